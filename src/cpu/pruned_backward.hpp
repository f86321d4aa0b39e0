#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::cpu {

/// dx[N, C, H, W] = prune(dy[N, K, P, Q]) * w^T, w [K, C, R, S] channels-last: of each group of M output
/// channels of dy the N largest magnitudes are kept, for each image and pixel for itself (ties: the lower
/// channel, as compress_reference()), and the others are skipped. dy and dx f32, both batch-blocked or both
/// channels-last; what is kept of dy, and w, are rounded to plan.operands. Each output is one f32 sum over
/// blocks of output channels, kernel positions and kept channels, in this order; the blocks depend on the
/// shapes and the instruction set alone.
void pruned_backward_data(const LayerPlan& plan, const Tensor& dy, Pattern pattern, const Tensor& w,
                          Tensor& dx);

/// Multiply-adds, as if dense, of each share into which the pass over x [N, C, H, W] is cut for `threads`
/// threads, with channels padded as kernels have them. Small passes have fewer shares than there are threads.
std::vector<std::int64_t> pruned_backward_data_shares(const LayerPlan& plan, const Shape& x, Pattern pattern,
                                                      std::int64_t threads);

}  // namespace satsuma::cpu
