#include "src/device/gradient_operand.hpp"

#include "satsuma/device/rounding.hpp"
#include "satsuma/sparse/packed.hpp"

namespace satsuma {

Tensor gradient_operand(const LayerPlan& plan, Pass pass, const SampleKey& key, const Tensor& dy) {
  const OperandPlan& gradient = plan[pass].gradient;
  switch (gradient.kind) {
    case OperandKind::pruned:
      // Groups of a weight's input channels run along axis 1, as those of dY's output channels do.
      return rounded(
          expand(compress_reference(dy, GroupAxis::input_channels, gradient.pattern)).in_layout_of(dy),
          plan.operands);
    case OperandKind::sampled:
      return rounded(expand(sample_along_images(dy, gradient.pattern, key)), plan.operands);
    default:
      return rounded(dy, plan.operands);
  }
}

}  // namespace satsuma
