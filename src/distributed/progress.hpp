#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace satsuma::distributed {

/// Moves transfers on while their process computes. An MPI carries data within its calls alone, over TCP a
/// piece of 128 KiB or so in each: a backward pass that calls it once a layer would hide next to nothing
/// behind itself. So a thread calls it every millisecond for as long as anything is under way, each time
/// until nothing moves any more.
class Progress {
 public:
  /// `poll` is a call of MPI that waits for nothing.
  explicit Progress(std::function<void()> poll);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Has the thread at work; without it nothing but lock() is used.
  void start();
  /// Held in each call of MPI: one thread at a time.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  /// A transfer sets out, and has arrived; under lock().
  void begin();
  void end() { --under_way_; }

 private:
  void work();

  std::function<void()> poll_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int under_way_ = 0;
  bool leaves_ = false;
  std::thread thread_;
};

}  // namespace satsuma::distributed
