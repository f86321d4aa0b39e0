#include "src/device/gradient_operand.hpp"

#include "satsuma/device/rounding.hpp"
#include "satsuma/sparse/pruning.hpp"

namespace satsuma {

Tensor gradient_operand(const LayerPlan& plan, Pass pass, const SampleKey& key, const Tensor& dy) {
  const OperandPlan& gradient = plan[pass].gradient;
  switch (gradient.kind) {
    case OperandKind::pruned:
      return rounded(prune_along_channels(dy, gradient.pattern), plan.operands);
    case OperandKind::sampled:
      return rounded(expand(sample_along_images(dy, gradient.pattern, key)), plan.operands);
    default:
      return rounded(dy, plan.operands);
  }
}

}  // namespace satsuma
