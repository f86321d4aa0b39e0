#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/sparse/sampling.hpp"

namespace satsuma::cpu {

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of x and dy, the latter sampled `pattern`
/// along images as sample_along_images(dy, pattern, key) has it. x and dy f32, both batch-blocked or both
/// channels-last; what is kept of dy, and x, are rounded to plan.operands. Each element of dw is one f32 sum
/// over blocks of sixteen images, rows, columns and kept images, in this order but that blocks of small
/// images are taken row by row together: bits depend on the instruction set alone. A tap on padding may be
/// added as a product with zero.
void sampled_weight_gradient(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Pattern pattern,
                             const SampleKey& key, Tensor& dw);

}  // namespace satsuma::cpu
