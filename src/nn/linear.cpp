#include "satsuma/nn/linear.hpp"

#include <cmath>

#include "satsuma/nn/initialise.hpp"
#include "satsuma/ops/convolution.hpp"

namespace satsuma::nn {

namespace {

double bound(std::int64_t inputs) {
  return 1.0 / std::sqrt(static_cast<double>(inputs));
}

}  // namespace

Linear::Linear(std::int64_t inputs, std::int64_t outputs, Rng& rng, bool with_bias)
    : weight_(uniform({outputs, inputs}, bound(inputs), rng)),
      contraction_(add_contraction("weight", {.in_channels = inputs, .out_channels = outputs}, weight_)) {
  if (with_bias) bias_ = add_parameter("bias", uniform({outputs}, bound(inputs), rng));
}

Tensor Linear::forward(const Tensor& x) {
  return ops::linear(x, weight_, bias_, contraction_);
}

}  // namespace satsuma::nn
