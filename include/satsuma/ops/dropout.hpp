#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// In training zeroes each element with the given probability and scales the others by 1 / (1 - probability)
/// (Srivastava et al., JMLR 15, 2014); in evaluation it is the identity. Draws one number from `rng` for each
/// stored element, in storage order, whatever the number of threads. Throws UsageError unless 0 <=
/// probability < 1. Saves one byte for each element.
Tensor dropout(const Tensor& x, double probability, bool training, Rng& rng);

/// Stochastic depth (Huang et al., arXiv 1603.09382), for the branch x of a residual block: in training sets
/// the whole of an image to zero with the given probability and scales the others by 1 / (1 - probability),
/// as timm does; in evaluation it is the identity. Draws one number from `rng` for each image. Throws
/// UsageError unless 0 <= probability < 1. Saves one number for each image.
Tensor drop_path(const Tensor& x, double probability, bool training, Rng& rng);

}  // namespace satsuma::ops
