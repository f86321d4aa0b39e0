#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// y = x W^T + bias for x [N, C] or [N, T, C]; y has K in place of C.
/// Parameters: `weight` [K, C] and `bias` [K], both uniform in +-1 / sqrt(C), as in PyTorch.
class Linear : public Module {
 public:
  Linear(std::int64_t inputs, std::int64_t outputs, Rng& rng, bool with_bias = true);

  Tensor forward(const Tensor& x) override;
  const std::shared_ptr<Contraction>& contraction() const { return contraction_; }

 private:
  Tensor weight_;
  std::shared_ptr<Contraction> contraction_;
  Tensor bias_;
};

}  // namespace satsuma::nn
