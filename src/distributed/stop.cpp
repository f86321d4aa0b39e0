#include "src/distributed/stop.hpp"

#include <atomic>

namespace satsuma::distributed {

namespace {

std::atomic<int (*)()> signal_received = nullptr;

}  // namespace

void set_stop_signal(int (*received)()) {
  signal_received = received;
}

bool asked_to_end() {
  int (*const received)() = signal_received;
  return received != nullptr && received() != 0;
}

}  // namespace satsuma::distributed
