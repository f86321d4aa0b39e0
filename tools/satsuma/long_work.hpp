#pragma once

#include <cstdint>
#include <string>

#include "satsuma/train/progress.hpp"

namespace satsuma::tools {

/// How far a command has come that may take long: a bar on a terminal, a plain line every ten seconds in a
/// pipe or file. On standard error, as results go to standard output.
class LongWork {
 public:
  /// `bench step`, `turns`; `all` of them, 0 where that is not known.
  LongWork(std::string name, std::string pieces, std::int64_t all = 0, bool quiet = false);

  void done(std::int64_t count);
  /// `all` as it is known now.
  void done(std::int64_t count, std::int64_t all);
  void one_more() { done(count_ + 1); }

 private:
  std::string name_;
  std::string pieces_;
  std::int64_t all_;
  std::int64_t count_ = 0;
  train::Progress progress_;
};

}  // namespace satsuma::tools
