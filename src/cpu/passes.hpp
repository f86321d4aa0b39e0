#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma::cpu {

/// Forward and backward-data passes on batch-blocked f32 activations, dense or N:M; shapes as in Device.
/// Products of bf16 need bf16_kernels().
void forward(const PassSpec& spec, const Tensor& x, const WeightOperand& w, const Tensor& bias, Tensor& y);
void backward_data(const PassSpec& spec, const Tensor& dy, const WeightOperand& w, Tensor& dx);

}  // namespace satsuma::cpu
