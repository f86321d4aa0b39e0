#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma::cpu {

/// True for a pass whose activations are channels-last: of so few images that lanes of images would be empty.
bool is_channels_last(const Tensor& x);

/// The passes on channels-last f32 activations, dense or N:M; shapes as in Device. Lanes are channels.
void forward_channels_last(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                           Tensor& y);
void backward_data_channels_last(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx);
void weight_gradient_channels_last(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw);
/// dbias[k] = sum of dy over its images and pixels.
void bias_gradient_channels_last(const Tensor& dy, Tensor& dbias);

}  // namespace satsuma::cpu
