#include "satsuma/nn/conv2d.hpp"

#include "satsuma/nn/initialise.hpp"
#include "satsuma/ops/convolution.hpp"

namespace satsuma::nn {

Conv2d::Conv2d(const Geometry& geometry, Rng& rng, bool with_bias)
    : contraction_(add_contraction("weight", geometry, kaiming_normal(geometry.weight_shape(), rng))) {
  if (with_bias) bias_ = add_parameter("bias", Tensor::zeros({geometry.out_channels}));
}

Tensor Conv2d::forward(const Tensor& x) {
  return ops::convolution(x, contraction_->weight(), bias_, contraction_);
}

}  // namespace satsuma::nn
