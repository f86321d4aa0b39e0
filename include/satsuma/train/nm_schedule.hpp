#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "satsuma/sparse/pattern.hpp"

namespace satsuma::train {

/// A pattern that changes during training: `dense@0,4:8@0.2,2:8@0.5` is dense for a fifth of the steps, 4:8
/// up to half of them, and 2:8 from there on. What holds at a step depends on nothing but the step, so that a
/// resumed run needs no state.
class NmSchedule {
 public:
  /// Reads stages `N:M@SHARE` or `dense@SHARE`, separated by commas; the first share is 0 and they rise, all
  /// below 1. Throws UsageError that says what was typed and what is expected.
  static NmSchedule parse(std::string_view text);

  /// The pattern when `share` of all steps, in [0, 1], are done; 1:1 for dense.
  Pattern at(double share) const;
  /// Of all stages.
  std::vector<Pattern> patterns() const;

 private:
  struct Stage {
    double begin;
    Pattern pattern;
  };
  std::vector<Stage> stages_;
};

/// `dense`, which is 1:1, or N:M. Throws UsageError.
Pattern parse_dense_or_pattern(std::string_view text);
std::string dense_or_pattern(Pattern pattern);

}  // namespace satsuma::train
