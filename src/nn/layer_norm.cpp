#include "satsuma/nn/layer_norm.hpp"

#include "satsuma/ops/layer_norm.hpp"

namespace satsuma::nn {

LayerNorm::LayerNorm(std::int64_t features, double eps)
    : gamma_(add_parameter("weight", Tensor::full({features}, 1.0))),
      beta_(add_parameter("bias", Tensor::zeros({features}))),
      eps_(eps) {}

Tensor LayerNorm::forward(const Tensor& x) {
  return ops::layer_norm(x, gamma_, beta_, eps_);
}

}  // namespace satsuma::nn
