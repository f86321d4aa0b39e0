#include "satsuma/nn/dropout.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/ops/dropout.hpp"

namespace satsuma::nn {

Dropout::Dropout(double probability, std::shared_ptr<Rng> rng)
    : probability_(probability), rng_(std::move(rng)) {
  if (!(probability >= 0 && probability < 1)) {
    throw UsageError(
        fmt::format("dropout got probability {}, expected 0 or more and less than 1", probability));
  }
  add_generator(rng_);
}

Tensor Dropout::forward(const Tensor& x) {
  return ops::dropout(x, probability_, training(), *rng_);
}

}  // namespace satsuma::nn
