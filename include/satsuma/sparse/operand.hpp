#pragma once

#include <cstdint>
#include <string_view>

#include "satsuma/sparse/pattern.hpp"

namespace satsuma {

/// How an operand of a pass is pruned.
enum class OperandKind : std::uint8_t {
  dense,    ///< as it is
  packed,   ///< a weight with only its kept elements, N:M along the axis that the pass reduces over
  masked,   ///< a weight with zeros where W_ff keeps nothing: as many operations as dense
  pruned,   ///< dY of which the largest magnitudes of each group are kept, chosen on the way into the pass
  sampled,  ///< dY of which each group keeps a random choice, unbiased, made on the way into the pass
};
std::string_view to_string(OperandKind kind);

/// The axis along which groups of N:M run. A pass that skips what a group leaves out reduces over it.
enum class GroupAxis : std::uint8_t {
  input_channels,   ///< W_ff: along C for each (k, r, s)
  output_channels,  ///< W_bp: along K for each (c, r, s); dY in BP: along K for each image and pixel
  images,           ///< dY in WU: neighbouring images of one block of sixteen, for each (k, p, q)
};
std::string_view to_string(GroupAxis axis);

/// One operand of a pass.
struct OperandPlan {
  OperandKind kind = OperandKind::dense;
  Pattern pattern = {};  ///< 1:1 where dense
  GroupAxis axis = GroupAxis::input_channels;
  int bits = 0;  ///< of values rounded to whole multiples of a scale, one a row; 0: as they are

  /// Each dense where the pattern is.
  static OperandPlan packed(GroupAxis axis, Pattern pattern) {
    return of(OperandKind::packed, axis, pattern);
  }
  static OperandPlan pruned(Pattern pattern) {
    return of(OperandKind::pruned, GroupAxis::output_channels, pattern);
  }
  static OperandPlan sampled(Pattern pattern) { return of(OperandKind::sampled, GroupAxis::images, pattern); }
  static OperandPlan of(OperandKind kind, GroupAxis axis, Pattern pattern) {
    return pattern.dense() ? OperandPlan() : OperandPlan{kind, pattern, axis, 0};
  }

  bool operator==(const OperandPlan& other) const = default;
  /// True when products with what is left out are skipped.
  bool skips() const { return kind != OperandKind::dense && kind != OperandKind::masked; }
};

}  // namespace satsuma
