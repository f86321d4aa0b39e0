#include "src/distributed/progress.hpp"

#include <utility>

#include "src/core/signals_blocked.hpp"
#include "src/distributed/moves_something.hpp"

namespace satsuma::distributed {

Progress::Progress(std::function<void()> poll) : poll_(std::move(poll)) {}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const auto held = lock();
    leaves_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Progress::start() {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { work(); });
}

void Progress::begin() {
  if (++under_way_ == 1 && thread_.joinable()) changed_.notify_one();
}

void Progress::work() {
  // What comes within a pause is carried by a few calls; a thread that called for each packet would take its
  // core from those who compute.
  constexpr std::chrono::milliseconds kPause{1};
  constexpr int kCalls = 16;
  auto held = lock();
  while (!leaves_) {
    if (under_way_ == 0) {
      changed_.wait(held);
      continue;
    }
    for (int i = 0; i < kCalls; ++i) {
      const auto asked = std::chrono::steady_clock::now();
      poll_();
      if (std::chrono::steady_clock::now() - asked < kMovesSomething) break;
    }
    held.unlock();
    std::this_thread::sleep_for(kPause);
    held.lock();
  }
}

}  // namespace satsuma::distributed
