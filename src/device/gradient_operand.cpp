#include "src/device/gradient_operand.hpp"

#include "satsuma/device/rounding.hpp"
#include "satsuma/sparse/pruning.hpp"

namespace satsuma {

Tensor gradient_operand(const LayerPlan& plan, Pass pass, const SampleKey& key, const Tensor& dy) {
  const OperandPlan& gradient = plan[pass].gradient;
  const Tensor operand = rounded(dy, plan.operands);
  switch (gradient.kind) {
    case OperandKind::pruned:
      return prune_along_channels(operand, gradient.pattern);
    case OperandKind::sampled:
      return rounded(expand(sample_along_images(operand, gradient.pattern, key)), plan.operands);
    default:
      return operand;
  }
}

}  // namespace satsuma
