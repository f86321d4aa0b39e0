#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// a + b. Shapes broadcast as NumPy's do: aligned at the last axis, extents equal or 1. Throws ShapeError
/// when they do not fit or the dtypes differ.
Tensor add(const Tensor& a, const Tensor& b);

/// max(a + b, 0) for two tensors of one shape, in one pass over memory: the end of a residual block.
Tensor add_relu(const Tensor& a, const Tensor& b);

/// a * b, broadcast as in add().
Tensor mul(const Tensor& a, const Tensor& b);

/// factor * x.
Tensor scale(const Tensor& x, double factor);

}  // namespace satsuma::ops
