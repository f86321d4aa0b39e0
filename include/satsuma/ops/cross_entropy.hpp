#pragma once

#include <cstdint>

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Mean over the batch of the cross-entropy between softmax(logits) and the targets, with label smoothing
/// (Szegedy et al., arXiv 1512.00567, section 7) and weights of classes, PyTorch's definition. With K
/// classes, smoothing s, weights w (all 1 without `class_weights`) and q[n, k] = (1 - s) * t[n, k] + s / K:
///   loss = sum_n sum_k -q[n, k] * w[k] * log p[n, k] / D
/// `logits` is [N, K]. `targets` are labels, i64 [N], for which t is one at the label and D = sum_n
/// w[label_n]; or they are t themselves, the share of each class, [N, K] of floating point, and D = N.
/// `class_weights` is [K] of floating point. The result has one element and rank 0. Throws ShapeError when
/// shapes do not fit or a label is not below K, UsageError unless 0 <= smoothing <= 1, and when all labels of
/// the batch have weight 0. Saves the probabilities. Targets and weights get no gradient.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, double smoothing = 0.0,
                     const Tensor& class_weights = {});

/// D of cross_entropy(): what its sum over the images is divided by.
double cross_entropy_divisor(const Tensor& targets, const Tensor& class_weights = {});

/// Rows of logits [N, K] whose largest entry (the first of equal ones) stands at the label.
std::int64_t count_correct(const Tensor& logits, const Tensor& labels);

}  // namespace satsuma::ops
