#pragma once

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma {

/// `dy` [N, K, P, Q] (f32 or f64, any layout) with zeros where a group of M output channels leaves an element
/// out: for each image and pixel the N largest magnitudes of a group stay, ties to the lower channel; the
/// short last group of L channels keeps ceil(N L / M). NaN ranks above infinity. Slow and plain: the oracle
/// that devices are held against. Throws ShapeError unless `dy` has rank 4.
Tensor prune_along_channels(const Tensor& dy, Pattern pattern);

}  // namespace satsuma
