#pragma once

#include <map>
#include <string>
#include <vector>

#include "satsuma/device/device.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::optim {

/// Stochastic gradient descent with momentum, Nesterov's form on request, and L2 weight decay: SgdStep's
/// rule. Weights of contractions are updated on their device, which pre-generates the next step's packed
/// weights.
class Sgd {
 public:
  /// `settings.decay` applies to pruned weights only; `settings.lr` is replaced by step()'s.
  Sgd(std::vector<nn::Parameter> parameters, SgdStep settings);

  void zero_grad();
  /// One update with learning rate `lr`. Parameters without a gradient stay as they are.
  void step(double lr);

  /// Velocities under their parameter's name, for checkpoints; shared with the optimiser. Empty without
  /// momentum.
  std::vector<nn::NamedTensor> state() const;
  /// Throws FormatError when names or shapes do not fit.
  void load_state(const std::map<std::string, Tensor>& values);

 private:
  std::vector<nn::Parameter> parameters_;
  std::vector<Tensor> velocities_;
  SgdStep settings_;
};

}  // namespace satsuma::optim
