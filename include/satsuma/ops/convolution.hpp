#pragma once

#include <memory>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/contraction.hpp"

namespace satsuma::ops {

/// Two-dimensional convolution (cross-correlation) through the seam; stride, padding, dilation and groups are
/// the contraction's:
///   y[n, k, p, q] = bias[k] + sum over c, r, s of W[k, c, r, s] * x[n, c, p stride + r dilation - padding,
///   ...]
/// x is [N, C, H, W], y [N, K, P, Q]; `weight` is the leaf contraction->weight(), `bias` is [K] or undefined.
/// The derivative for x (BP) runs only when x requires a gradient; that for the weight (WU) is taken to the
/// dense weight whatever is pruned (straight-through), and is skipped where only the bias requires a
/// gradient. Throws ShapeError when shapes or dtypes do not fit. Saves x.
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   std::shared_ptr<Contraction> contraction);

/// y = x W^T + bias over the last axis: x is [N, D] or [N, T, D], `weight` [K, D] shares its elements with
/// contraction->weight(), `bias` is [K] or undefined. Otherwise as convolution(): the same seam, as a 1x1
/// convolution over images of 1 x T pixels, without a copy of blocked activations.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              std::shared_ptr<Contraction> contraction);

}  // namespace satsuma::ops
