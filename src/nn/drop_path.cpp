#include "satsuma/nn/drop_path.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/ops/dropout.hpp"

namespace satsuma::nn {

DropPath::DropPath(double probability, std::shared_ptr<Rng> rng)
    : probability_(probability), rng_(std::move(rng)) {
  if (!(probability >= 0 && probability < 1)) {
    throw UsageError(
        fmt::format("stochastic depth got probability {}, expected 0 or more and less than 1", probability));
  }
  if (probability > 0) add_generator(rng_);
}

Tensor DropPath::forward(const Tensor& x) {
  return ops::drop_path(x, probability_, training(), *rng_);
}

}  // namespace satsuma::nn
