#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace satsuma {

/// N:M sparsity: of each M consecutive elements along an axis at most N are non-zero (arXiv 2309.13015,
/// section II). 1 <= N <= M <= 64; N = M is dense.
///
/// With `shared` = V > 1, written `N:MxV`, V neighbouring rows keep the same positions of a group, so that an
/// operand that is loaded once serves V products and V rows need one set of indices. Each row is N:M all the
/// same. Rows are output channels in FF and in WU, input channels in BP; the last ones of a weight may be
/// fewer than V. (On GPUs: Castro et al., "VENOM: a vectorized N:M format", 2023.)
struct Pattern {
  int n = 1;
  int m = 1;
  int shared = 1;  ///< V: 1, 2, 4, 8 or 16

  /// Reads `N:M` or `N:MxV`. Throws UsageError that says what was typed and what is expected.
  static Pattern parse(std::string_view text);

  bool dense() const { return n == m; }
  bool operator==(const Pattern& other) const = default;
};

/// Throws UsageError that says which bound of 1 <= N <= M <= 64 is broken, or that V is none of the five.
void validate(Pattern pattern);

/// `2:8`, or `2:8x2`.
std::string to_string(Pattern pattern);

/// Elements kept in a group of `length` <= M elements: ceil(N * length / M). A group is shorter than M only
/// at the end of an axis whose length is no multiple of M.
std::int64_t kept_in_group(Pattern pattern, std::int64_t length);
/// Elements kept along an axis of `length` elements, its short last group included.
std::int64_t kept_along(Pattern pattern, std::int64_t length);

}  // namespace satsuma
