#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "src/cpu/kernels/amx.hpp"

namespace satsuma::cpu {

/// What a caller may fix of the order in which an element of dw adds its products.
struct GradientOrder {
  /// Pixels whose tap falls on padding are left out. Otherwise they may be added as products with zero, which
  /// only a dy that is not finite can tell. weight_gradient_tiles() leaves them out in any case.
  bool skip_padding = false;
  /// Each element is one sum, for f32 operands over blocks of sixteen images, rows, columns and images in the
  /// block, in this order. Otherwise several threads may have a sum each over some of the pixels, which are
  /// added in the order of these: the bits depend on the number of threads then, above two.
  bool one_sum = false;
};

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of dy * x; both batch-blocked, f32. Products
/// of bf16 need bf16_kernels().
void weight_gradient_tiles(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw,
                           const GradientOrder& order = {});

/// The same of operands in bf16 by `kernels`, in an order of theirs.
void weight_gradient_amx(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw,
                         const AmxKernels& kernels);

/// Multiply-adds of each share into which the pass over a batch-blocked x [N, C, H, W] is cut for `threads`
/// threads, without those on padding. Small passes have fewer shares than there are threads.
std::vector<std::int64_t> weight_gradient_shares(const LayerPlan& plan, const Shape& x, std::int64_t threads);

/// dbias[K] = sum of dy over images and pixels.
void bias_gradient(const Tensor& dy, Tensor& dbias);

}  // namespace satsuma::cpu
