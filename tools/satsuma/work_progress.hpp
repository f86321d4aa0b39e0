#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "satsuma/train/progress.hpp"

namespace satsuma::tools {

/// How far a command has come, on standard error: a line that changes on a terminal, one every five seconds
/// in a pipe or file.
class WorkProgress {
 public:
  /// The words for how much is done of how much: `1200 of 3000 pictures`.
  using Words = std::function<std::string(std::int64_t done, std::int64_t all)>;

  /// `all` of 0 is not known.
  WorkProgress(Words words, std::int64_t all, bool quiet);
  ~WorkProgress();
  WorkProgress(const WorkProgress&) = delete;
  WorkProgress& operator=(const WorkProgress&) = delete;

  void update(std::int64_t done);
  void set_all(std::int64_t all) { all_ = all; }

 private:
  Words words_;
  std::int64_t all_;
  train::Progress::Style style_;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point next_;
  std::int64_t first_ = -1;
  bool shown_ = false;
};

}  // namespace satsuma::tools
