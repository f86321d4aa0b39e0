#pragma once

#include <cstdint>

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

/// attention() of tokens with themselves: `qkv` [N, T, 3 D] holds q, k and v one after another, each the
/// `heads` heads of D / heads numbers one after another (timm's `attn.qkv`); y is [N, T, D]. The derivative
/// is written straight into one tensor of the shape of qkv. Throws ShapeError when the last axis is no
/// multiple of 3 heads or there are no tokens. Saves qkv, y and one number for each row.
Tensor self_attention(const Tensor& qkv, std::int64_t heads);

}  // namespace satsuma::ops
