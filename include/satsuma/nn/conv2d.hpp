#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Convolution of [N, C, H, W] to [N, K, P, Q]; see Geometry for the sizes and ops::convolution for the
/// formula. Parameters: `weight` [K, C / groups, R, S], Kaiming normal by fan-out; `bias` [K] on request,
/// zeros.
class Conv2d : public Module {
 public:
  Conv2d(const Geometry& geometry, Rng& rng, bool with_bias = false);

  Tensor forward(const Tensor& x) override;
  const std::shared_ptr<Contraction>& contraction() const { return contraction_; }

 private:
  std::shared_ptr<Contraction> contraction_;
  Tensor bias_;
};

}  // namespace satsuma::nn
