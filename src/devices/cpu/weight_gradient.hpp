#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/geometry.hpp"

namespace satsuma::cpu {

/// dw[K, C, R, S] (channels-last) = sum over images and pixels of dy * x; both batch-blocked, f32.
void weight_gradient(const Geometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw);

/// dbias[K] = sum of dy over images and pixels.
void bias_gradient(const Tensor& dy, Tensor& dbias);

}  // namespace satsuma::cpu
