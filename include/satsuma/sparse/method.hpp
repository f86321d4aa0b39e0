#pragma once

#include <span>
#include <string_view>

namespace satsuma {

/// What a pruning method does to the operands of the three passes of a layer (arXiv 2309.13015, section III
/// and table 1; the optimiser always updates dense master weights):
///   FF  Y = X * W        BP  dX = dY * W^T        WU  dW = X^T * dY
struct Method {
  std::string_view name;
  std::string_view summary;
  bool ff_weight = false;    ///< FF multiplies with W_ff, N:M along input channels
  bool bp_weight = false;    ///< BP multiplies with W_bp, N:M along output channels
  bool bp_gradient = false;  ///< BP prunes dY, N:M along output channels
  /// Strength of the SR-STE term, g' = g + lambda * (1 - mask_ff) * W (arXiv 2102.04010), where the user
  /// sets none.
  double default_sr_ste = 0;

  bool sparse() const { return ff_weight || bp_weight || bp_gradient; }
};

/// All methods, in the order in which they are listed. A method is one file in src/sparse/methods/ and one
/// line in the table.
std::span<const Method* const> methods();
/// Throws UsageError with the known names and the nearest one.
const Method& find_method(std::string_view name);

}  // namespace satsuma
