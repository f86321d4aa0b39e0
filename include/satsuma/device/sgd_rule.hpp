#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma {

/// SgdStep's rule on tensors in host memory, in their own precision; `weight` and `velocity` change in place.
/// All tensors have one shape and one dense layout (`grad` is converted where it has another). `velocity` is
/// undefined without momentum; `mask_ff` has ones where W_ff keeps an element and is undefined where
/// step.decay has nothing to act on. Throws ShapeError when shapes, layouts or dtypes do not fit.
void apply_sgd(Tensor weight, const Tensor& grad, Tensor velocity, const SgdStep& step,
               const Tensor& mask_ff = {});

/// Throws ShapeError unless gradient, and velocity where there is one, have the weight's shape and dtype.
void check_update(const Tensor& weight, const Tensor& grad, const Tensor& velocity);

}  // namespace satsuma
