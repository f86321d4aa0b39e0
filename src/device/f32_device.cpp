#include "src/device/f32_device.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/core/error.hpp"

namespace satsuma {

Support supports_f32(const LayerPlan& plan, Pass pass, std::initializer_list<DType> operands,
                     std::initializer_list<OperandKind> gradients) {
  if (plan.dtype != DType::f32) {
    return Support::no(fmt::format("computes in f32, not {}", to_string(plan.dtype)));
  }
  if (std::find(operands.begin(), operands.end(), plan.operands) == operands.end()) {
    return Support::no(fmt::format("has no products of {}", to_string(plan.operands)));
  }
  if (plan.geometry.groups != 1) {
    return Support::no(fmt::format("has no kernel for {} groups of channels", plan.geometry.groups));
  }
  const OperandKind gradient = plan[pass].gradient.kind;
  if (gradient != OperandKind::dense &&
      std::find(gradients.begin(), gradients.end(), gradient) == gradients.end()) {
    return Support::no(fmt::format("has no kernel for an output gradient {} {}",
                                   to_string(plan[pass].gradient.kind),
                                   to_string(plan[pass].gradient.pattern)));
  }
  return {};
}

void check_compress(const Tensor& weight) {
  if (weight.rank() != 4 || weight.dtype() != DType::f32) {
    throw ShapeError(fmt::format("[compress] got {} of {}, expected a weight [K, C, R, S] of f32",
                                 to_string(weight.shape()), to_string(weight.dtype())));
  }
}

}  // namespace satsuma
