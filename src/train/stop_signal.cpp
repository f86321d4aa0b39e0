#include "satsuma/train/stop_signal.hpp"

#include <unistd.h>

#include <atomic>

namespace satsuma::train {

namespace {

// SIGUSR1 is what Slurm sends where it is asked to warn (--signal), and what no launcher takes for its own
// end.
constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler must not wait");

void handle(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) ::_exit(128 + signal);
}

}  // namespace

StopSignal::StopSignal() {
  first_signal = 0;
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    // nohup's wish is kept. SIGINT is caught even so: a script's background jobs start with it ignored, and
    // kill -INT on one of them has to work.
    if (kSignals[i] != SIGHUP || before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
}

int StopSignal::received() {
  return first_signal;
}

}  // namespace satsuma::train
