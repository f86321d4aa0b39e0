#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Zeroes elements with a probability in training and scales the others up; the identity in evaluation. See
/// ops::dropout.
class Dropout : public Module {
 public:
  /// `rng` may be shared by several layers; see Module::generators(). Throws UsageError unless 0 <=
  /// probability < 1.
  Dropout(double probability, std::shared_ptr<Rng> rng);

  Tensor forward(const Tensor& x) override;

 private:
  double probability_;
  std::shared_ptr<Rng> rng_;
};

}  // namespace satsuma::nn
