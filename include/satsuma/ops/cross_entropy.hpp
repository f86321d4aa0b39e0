#pragma once

#include <cstdint>

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Mean over the batch of the cross-entropy between softmax(logits) and the labels, with label smoothing
/// (Szegedy et al., arXiv 1512.00567, section 7; PyTorch's definition), K classes, s the smoothing:
///   loss_n = -(1 - s) * log p[n, label_n] - s / K * sum_k log p[n, k]
/// `logits` is [N, K], `labels` is i64 [N]; the result has one element and rank 0. Throws ShapeError when
/// shapes do not fit or a label is not below K, UsageError unless 0 <= smoothing <= 1. Saves the
/// probabilities.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing = 0.0);

/// Rows of logits [N, K] whose largest entry (the first of equal ones) stands at the label.
std::int64_t count_correct(const Tensor& logits, const Tensor& labels);

}  // namespace satsuma::ops
