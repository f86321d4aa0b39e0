#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "src/cpu/axis.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

/// A kernel row of a group of output rows, and the input row that each of them reads under it.
struct RowTap {
  int tap;
  std::array<std::int64_t, kMostLines> row;
};

/// Output rows that a tile covers together: they read the image under the same kernel rows, at the same
/// distances. Kernel rows that fall on padding are left out.
struct RowGroup {
  int lines = 1;
  std::array<std::int64_t, kMostLines> output;
  std::vector<RowTap> taps;

  /// Consecutive input rows that the group reaches over.
  std::int64_t span() const;
};

/// All output rows, `lines` at a time where two in a row see the same kernel rows, else one at a time; in the
/// order of their input rows.
std::vector<RowGroup> row_groups(const Axis& rows, int lines);

}  // namespace satsuma::cpu
