#include "satsuma/nn/initialise.hpp"

#include <cmath>

namespace satsuma::nn {

Tensor drawn(const Shape& shape, const std::function<float()>& draw) {
  Tensor tensor = Tensor::empty(shape);
  if (!tensor.has_storage()) return tensor;
  float* const values = tensor.data<float>();
  for (std::int64_t i = 0, n = tensor.numel(); i < n; ++i) values[i] = draw();
  return tensor;
}

Tensor kaiming_normal(const Shape& shape, Rng& rng) {
  const auto fan_out = static_cast<double>(shape[0] * shape[2] * shape[3]);
  const double deviation = std::sqrt(2.0 / fan_out);
  return drawn(shape, [&] { return static_cast<float>(deviation * static_cast<double>(rng.normal())); });
}

Tensor uniform(const Shape& shape, double bound, Rng& rng) {
  return drawn(shape,
               [&] { return static_cast<float>(bound * (2.0 * static_cast<double>(rng.uniform()) - 1.0)); });
}

}  // namespace satsuma::nn
