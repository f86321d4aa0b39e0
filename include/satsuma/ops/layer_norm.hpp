#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Layer normalisation over the last axis (Ba et al., arXiv 1607.06450), mean and biased variance of each
/// row:
///   y = gamma * (x - mean) / sqrt(var + eps) + beta
/// `x` is [N, D] or [N, T, D]; gamma and beta are [D] in the dtype of x. torchvision's transformer uses eps =
/// 1e-6. Throws ShapeError when a shape does not fit. Saves x and two numbers a row.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps = 1e-5);

}  // namespace satsuma::ops
