#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// In training zeroes each element with the given probability and scales the others by 1 / (1 - probability)
/// (Srivastava et al., JMLR 15, 2014); in evaluation it is the identity. Draws one number from `rng` for each
/// stored element, in storage order, whatever the number of threads. Throws UsageError unless 0 <=
/// probability < 1. Saves one byte for each element.
Tensor dropout(const Tensor& x, double probability, bool training, Rng& rng);

}  // namespace satsuma::ops
