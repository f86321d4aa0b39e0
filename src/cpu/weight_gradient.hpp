#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma::cpu {

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of dy * x; both batch-blocked, f32. Products
/// of bf16 need bf16_kernels(). Each element of dw is one sum, for f32 operands over blocks of sixteen
/// images, rows, columns and images in the block, in this order. Under `skip_padding` pixels whose tap falls
/// on padding are left out; otherwise they may be added as products with zero, which only a dy that is not
/// finite can tell.
void weight_gradient(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw,
                     bool skip_padding = false);

/// dbias[K] = sum of dy over images and pixels.
void bias_gradient(const Tensor& dy, Tensor& dbias);

}  // namespace satsuma::cpu
