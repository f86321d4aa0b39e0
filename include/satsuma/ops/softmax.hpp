#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// exp(x - max) / sum exp(x - max) along an axis other than the batch (axis 0); the last one by default. Rank
/// 2 or more. Throws ShapeError for another axis. Saves its output.
Tensor softmax(const Tensor& x, int axis = -1);

}  // namespace satsuma::ops
