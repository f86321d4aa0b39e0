#pragma once

#include "satsuma/core/tensor.hpp"

namespace satsuma::ops {

/// Batch normalisation over the batch and the pixels, for each channel (Ioffe and Szegedy, arXiv 1502.03167):
///   y = gamma * (x - mean) / sqrt(var + eps) + beta
/// with the mean and the biased variance of the batch when `training`, else with the running ones. Training
/// moves the running statistics in place, as PyTorch does: running <- (1 - momentum) * running + momentum *
/// batch, where the variance is the unbiased one.
///
/// `x` is [N, C, H, W] or [N, C]; the other four are [C] in the dtype of x. Running statistics may be
/// undefined: then the batch's are used in evaluation, too. Throws ShapeError when a shape does not fit, or
/// on one value per channel in training. Saves x and two vectors of C.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                  Tensor running_var, bool training, double momentum = 0.1, double eps = 1e-5);

/// Batch normalisation and what follows it in a residual network, as one operation with the fewest passes
/// over memory:
///   y = bn(x),  relu(bn(x)),  bn(x) + residual  or  relu(bn(x) + residual)
/// `residual` has the shape of x, or is undefined for none. Saves, beside what batch_norm() saves, only its
/// output (which the next layer holds anyway) to know where the ReLU was open.
Tensor batch_norm_act(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                      Tensor running_var, bool training, double momentum, double eps, bool relu,
                      const Tensor& residual = {});

}  // namespace satsuma::ops
