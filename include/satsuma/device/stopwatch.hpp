#pragma once

#include <chrono>
#include <cstdint>

namespace satsuma {

/// Adds the time of its scope to a counter of nanoseconds.
class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t& nanoseconds) : nanoseconds_(nanoseconds) {}
  ~Stopwatch() {
    const auto passed = std::chrono::steady_clock::now() - start_;
    nanoseconds_ += std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  std::int64_t& nanoseconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace satsuma
