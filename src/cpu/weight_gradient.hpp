#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma::cpu {

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of dy * x; both batch-blocked, f32. Products
/// of bf16 need bf16_kernels(). Each element of dw is one sum, for f32 operands over blocks of sixteen
/// images, rows, columns and images in the block, in this order. Pixels whose tap falls on padding are left
/// out.
void weight_gradient_tiles(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw);

/// dbias[K] = sum of dy over images and pixels.
void bias_gradient(const Tensor& dy, Tensor& dbias);

}  // namespace satsuma::cpu
