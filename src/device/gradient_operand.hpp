#pragma once

#include "satsuma/device/device.hpp"

namespace satsuma {

/// dY as a dense tensor that holds what a pass multiplies: rounded to the plan's operands, with zeros where
/// the plan's gradient is pruned or sampled. Of a sampled one the kept values are rounded again. For devices
/// that have no kernels which skip.
Tensor gradient_operand(const LayerPlan& plan, Pass pass, const SampleKey& key, const Tensor& dy);

}  // namespace satsuma
