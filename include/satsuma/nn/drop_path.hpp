#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// Leaves the branch of a residual block out for some of the images in training; the identity in evaluation.
/// See ops::drop_path.
class DropPath : public Module {
 public:
  /// `rng` may be shared by several layers; see Module::generators(). Throws UsageError unless 0 <=
  /// probability < 1.
  DropPath(double probability, std::shared_ptr<Rng> rng);

  Tensor forward(const Tensor& x) override;
  /// True where forward() may change something now.
  bool active() const { return training() && probability_ > 0; }

 private:
  double probability_;
  std::shared_ptr<Rng> rng_;
};

}  // namespace satsuma::nn
