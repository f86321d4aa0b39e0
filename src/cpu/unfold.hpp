#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/geometry.hpp"

namespace satsuma::cpu {

/// True for convolutions of few input channels (the first of a network), whose kernel positions are better
/// treated as channels: one product over R * S * C terms instead of R * S products over C.
bool worth_unfolding(const Geometry& geometry);

/// The 1x1 convolution that equals `geometry` on unfolded inputs.
Geometry unfolded(const Geometry& geometry);

/// x [N, C, H, W] as [N, R * S * C, P, Q]: channel (r * S + s) * C + c of output pixel (p, q) is what tap (r,
/// s) sees there, zero on padding. The order is that of a channels-last weight [K, C, R, S].
Tensor unfold(const Geometry& geometry, const Tensor& x, const Shape& output);

/// A channels-last weight [K, C, R, S] as [K, R * S * C, 1, 1]; shares its elements.
Tensor unfold_weight(const Tensor& weight);

}  // namespace satsuma::cpu
