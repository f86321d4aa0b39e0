#pragma once

#include <vector>

#include "src/ops/support.hpp"

namespace satsuma::ops {

/// q [N, heads, T, d] and k, v [N, heads, S, d], or gradients of them, without lanes and with the last axis
/// contiguous.
struct AttentionRows {
  Tensor q, k, v;
};

/// As attention(), one image and head at a time: fills y, which lies as q, and log_sum [N][heads][T], the
/// logarithms of the sums of exponentials.
template <typename T>
void attention_rows(const AttentionRows& x, Tensor& y, std::vector<T>& log_sum);

/// Its derivative for the gradient `g` of y; fills `to`. x and y may be of bf16.
template <typename T>
void attention_rows_grad(const AttentionRows& x, const Tensor& y, const std::vector<T>& log_sum,
                         const Tensor& g, AttentionRows& to);

}  // namespace satsuma::ops
