#pragma once

#include "satsuma/core/parallel.hpp"

namespace satsuma {

/// Sets the number of threads back, at the end of a scope, to what it was at its begin.
class ThreadCount {
 public:
  ThreadCount() : before_(threads()) {}
  ~ThreadCount() { set_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace satsuma
