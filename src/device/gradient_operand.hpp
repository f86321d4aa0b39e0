#pragma once

#include "satsuma/device/device.hpp"

namespace satsuma {

/// dY as a dense tensor that holds what a pass multiplies: zeros where the plan leaves an element out, and
/// what it keeps, which is chosen of dY as it is, rounded to the plan's operands. For devices that have no
/// kernels which skip.
Tensor gradient_operand(const LayerPlan& plan, Pass pass, const SampleKey& key, const Tensor& dy);

}  // namespace satsuma
