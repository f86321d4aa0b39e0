#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "satsuma/core/integer.hpp"

namespace satsuma::cpu {

/// A half-open range.
struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;

  std::int64_t size() const { return last - first; }
  /// The `i`-th of `parts` nearly equal ranges in this one, whose borders are multiples of `unit`.
  Range part(std::int64_t i, std::int64_t parts, std::int64_t unit = 1) const {
    const std::int64_t units = ceil_div(size(), unit);
    return {first + units * i / parts * unit, std::min(first + units * (i + 1) / parts * unit, last)};
  }
};

/// A weight gradient as its split among threads sees it: dw has `rows` output channels by `channels` input
/// channels by kernel positions, and each of its elements is a sum over steps, some pixels of some images
/// each.
struct GradientWork {
  std::int64_t rows = 0;
  std::int64_t row_unit = 1;  ///< rows that stay together
  std::int64_t channels = 0;
  std::int64_t channel_unit = 1;  ///< input channels that are transposed together
  std::int64_t taps = 1;
  std::vector<std::int64_t> steps;  ///< multiply-adds of each, for one row and one input channel
  std::int64_t inputs = 0;          ///< elements of an input channel of x, all of which are transposed
  bool one_sum = false;             ///< steps stay together, so that each element is one sum in their order
};

/// Part of what one thread does: some rows and channels of dw over some steps.
struct GradientShare {
  Range rows;
  Range channels;
  Range steps;
  std::int64_t sum = 0;  ///< 0 writes to dw, others to partial sums, which are added to it in their order
};

/// A weight gradient cut into equal parts for up to `threads` threads. Its work is laid end to end: parts of
/// the steps, each with sums of its own; in these blocks of input channels; in these rows. Whoever has some
/// rows of a block transposes all of x behind it, and sums of several parts cost memory traffic, so there are
/// as many parts of the steps as are expected to be done first. Up to two threads the steps stay together.
/// Depends on nothing but the arguments.
class GradientSplit {
 public:
  GradientSplit(const GradientWork& work, std::int64_t threads);

  /// Sums of each element, dw's own included.
  std::int64_t sums() const { return sums_; }
  /// Multiply-adds of each thread.
  std::vector<std::int64_t> products(const GradientWork& work) const;

  /// Calls `body(share, target)` for all shares of each thread, threads side by side; `target` is dw, of
  /// `size` floats, or partial sums like it. These are added to dw in the end.
  void run(float* dw, std::int64_t size,
           const std::function<void(const GradientShare& share, float* target)>& body) const;

 private:
  std::vector<std::vector<GradientShare>> threads_;
  std::int64_t sums_ = 1;
};

/// Floats of partial sums beside a dw of `size` floats are at most as many: three times as many as dw has, or
/// 8 MiB of them.
std::int64_t most_partial_floats(std::int64_t size);

}  // namespace satsuma::cpu
