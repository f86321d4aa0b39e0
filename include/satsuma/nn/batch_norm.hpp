#pragma once

#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Batch normalisation of [N, C, H, W] or [N, C] for each channel (Ioffe and Szegedy, arXiv 1502.03167):
///   y = gamma * (x - mean) / sqrt(var + eps) + beta
/// with the batch's statistics in training and the running ones in evaluation; see ops::batch_norm.
/// Parameters: `weight` (gamma, ones) and `bias` (beta, zeros), [C]. Buffers: `running_mean`, `running_var`
/// [C], and `num_batches_tracked`, one i64, all as in torchvision's files.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, double momentum = 0.1, double eps = 1e-5);

  Tensor forward(const Tensor& x) override;
  /// max(bn(x) + residual, 0) in one operation; `residual` has the shape of x or is undefined for none.
  Tensor relu(const Tensor& x, const Tensor& residual = {});

 private:
  Tensor normalise(const Tensor& x, bool relu, const Tensor& residual);

  Tensor gamma_;
  Tensor beta_;
  Tensor running_mean_;
  Tensor running_var_;
  Tensor batches_;
  double momentum_;
  double eps_;
};

}  // namespace satsuma::nn
