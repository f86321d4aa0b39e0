#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/sparse/sampling.hpp"

namespace satsuma::cpu {

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of x and dy, the latter sampled `pattern`
/// along images as sample_along_images(dy, pattern, key) has it. x and dy f32, both batch-blocked or both
/// channels-last; what is kept of dy, and x, are rounded to plan.operands. Up to two threads each element of
/// dw is one f32 sum over blocks of images (sixteen, where bf16 is multiplied thirty-two), rows, columns and
/// kept images, in this order but that blocks of small images are taken row by row together; more threads may
/// have a sum each over some of the pixels, which are added in the order of these. Bits depend on the
/// instruction set and the number of threads alone. A tap on padding may be added as a product with zero.
void sampled_weight_gradient(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Pattern pattern,
                             const SampleKey& key, Tensor& dw);

/// Multiply-adds of each share into which the pass over a batch-blocked x [N, C, H, W] is cut for `threads`
/// threads, of what is kept, with channels padded to whole vectors. Small passes have fewer shares than there
/// are threads.
std::vector<std::int64_t> sampled_weight_gradient_shares(const LayerPlan& plan, const Shape& x,
                                                         Pattern pattern, std::int64_t threads);

}  // namespace satsuma::cpu
