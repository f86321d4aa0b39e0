#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "satsuma/sparse/operand.hpp"

namespace satsuma {

/// What a pruning method does to the operands of the passes of a layer (arXiv 2309.13015, section III and
/// table 1; the optimiser always updates dense master weights):
///   FF  Y = X * W        BP  dX = dY * W^T        WU  dW = X^T * dY
/// Whatever it says, WU may have a sampled dY besides (Sparsity::wu).
struct Method {
  std::string_view name;
  std::string_view summary;
  OperandKind ff_weight = OperandKind::dense;    ///< dense, or packed: W_ff
  OperandKind bp_weight = OperandKind::dense;    ///< dense, packed: W_bp, or masked
  OperandKind bp_gradient = OperandKind::dense;  ///< dense, or pruned along output channels
  /// True where the user may choose between a masked and a packed weight in BP.
  bool chooses_bp_weight = false;
  /// True where W_ff and W_bp keep the same elements: N:M along both axes (sparse/transposable.hpp).
  bool transposable = false;
  /// Strength of the SR-STE term, g' = g + lambda * (1 - mask_ff) * W (arXiv 2102.04010), where the user
  /// sets none.
  double default_sr_ste = 0;

  bool sparse() const {
    return ff_weight != OperandKind::dense || bp_weight != OperandKind::dense ||
           bp_gradient != OperandKind::dense;
  }
};

/// All methods, in the order in which they are listed. A method is one file in src/sparse/methods/ and one
/// line in the table.
std::span<const Method* const> methods();
/// Throws UsageError with the known names and the nearest one.
const Method& find_method(std::string_view name);

/// A method as it stands in lists of methods: `NAME`, or `NAME+wu` for NAME with a dY sampled in WU at the
/// pattern of its other operands; either with `@N:M` behind it for a pattern of its own, `bdwp+wu@2:8x2`.
struct MethodText {
  const Method* method;
  bool samples_wu = false;
  std::optional<Pattern> pattern = {};

  /// Throws UsageError with the known names and the nearest one, or what is wrong with the pattern.
  static MethodText parse(std::string_view text);
};

}  // namespace satsuma
