#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Scaled dot-product attention (Vaswani et al., arXiv 1706.03762, equation 1), for each image and head:
///   y = softmax(q k^T / sqrt(d)) v
/// q is [N, heads, T, d]; k and v are [N, heads, S, d]; y has the shape of q. Any layout; blocked views (what
/// permute() makes of a [N, T, heads, d] tensor) are read in place, and y is such a view: permuting it back
/// to [N, T, heads, d] costs nothing. Rows of the T x S matrix are made a few at a time and made again in the
/// derivative, never stored. Throws ShapeError when shapes or dtypes do not fit. Saves q, k, v, y and one
/// number for each row.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v);

}  // namespace satsuma::ops
