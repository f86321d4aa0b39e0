#include "satsuma/train/stop_signal.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace satsuma::train {

namespace {

// SIGUSR1 is what Slurm sends where it is asked to warn (--signal), and what no launcher takes for its own
// end.
constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

std::atomic<int> first_signal = 0;
std::atomic<std::int64_t> first_time = 0;  ///< nanoseconds
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler must not wait");

/// A stop may come twice at once: `timeout` sends it to the process and to its group, a terminal and a
/// launcher each send their own. Who asks again is slower.
constexpr std::int64_t kAtOnce = 300'000'000;

void handle(int signal) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t time = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  std::int64_t before = 0;
  if (first_time.compare_exchange_strong(before, time)) {
    first_signal = signal;
  } else if (time - before > kAtOnce) {
    ::_exit(128 + signal);
  }
}

}  // namespace

StopSignal::StopSignal() {
  first_signal = 0;
  first_time = 0;
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
