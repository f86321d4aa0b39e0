#include "satsuma/nn/batch_norm.hpp"

#include "satsuma/ops/batch_norm.hpp"

namespace satsuma::nn {

BatchNorm2d::BatchNorm2d(std::int64_t channels, double momentum, double eps)
    : gamma_(add_parameter("weight", Tensor::full({channels}, 1.0))),
      beta_(add_parameter("bias", Tensor::zeros({channels}))),
      running_mean_(add_buffer("running_mean", Tensor::zeros({channels}))),
      running_var_(add_buffer("running_var", Tensor::full({channels}, 1.0))),
      batches_(add_buffer("num_batches_tracked", Tensor::zeros({}, DType::i64))),
      momentum_(momentum),
      eps_(eps) {}

Tensor BatchNorm2d::normalise(const Tensor& x, bool relu, const Tensor& residual) {
  Tensor y = ops::batch_norm_act(x, gamma_, beta_, running_mean_, running_var_, training(), momentum_, eps_,
                                 relu, residual);
  if (training() && y.has_storage()) ++*batches_.data<std::int64_t>();
  return y;
}

Tensor BatchNorm2d::forward(const Tensor& x) {
  return normalise(x, false, {});
}

Tensor BatchNorm2d::relu(const Tensor& x, const Tensor& residual) {
  return named([&] { return normalise(x, true, residual); });
}

}  // namespace satsuma::nn
