#pragma once

#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Layer normalisation of [N, D] or [N, T, D] over the last axis (Ba et al., arXiv 1607.06450); see
/// ops::layer_norm. Parameters: `weight` (ones) and `bias` (zeros), [D].
class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t features, double eps = 1e-5);

  Tensor forward(const Tensor& x) override;

 private:
  Tensor gamma_;
  Tensor beta_;
  double eps_;
};

}  // namespace satsuma::nn
