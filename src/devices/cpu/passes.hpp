#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"
#include "satsuma/device/geometry.hpp"

namespace satsuma::cpu {

/// Forward and backward-data passes on batch-blocked f32 activations, dense or N:M; shapes as in Device.
void forward(const Geometry& geometry, const Tensor& x, const WeightOperand& w, const Tensor& bias,
             Tensor& y);
void backward_data(const Geometry& geometry, const Tensor& dy, const WeightOperand& w, Tensor& dx);

}  // namespace satsuma::cpu
