#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/device/update.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::optim {

/// What a user can set; each kind of optimiser reads what it has.
struct Settings {
  double momentum = 0;  ///< sgd
  bool nesterov = false;
  double beta1 = 0.9;  ///< adam, adamw, lamb: decay rates of the two moments, below 1
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  /// Adaptive kinds decay the weights of convolution and linear layers alone; this makes them decay norms,
  /// biases, class tokens and position embeddings, too. SGD decays all in any case.
  bool decay_norms = false;
};

/// An optimiser: one file in src/optim/ and one line in the table.
struct Kind {
  std::string_view name;
  std::string_view summary;
  std::string_view source;  ///< the paper
  bool adaptive = false;    ///< steps are divided by the size of past gradients
  double default_lr = 0;    ///< where the user says nothing
  double default_weight_decay = 0;
  std::array<std::string_view, kMostStates> states = {};  ///< names of the rule's tensors, PyTorch's
  /// The rule of step `step`, counted from 1.
  std::unique_ptr<UpdateRule> (*rule)(const Settings& settings, std::int64_t step);
};

/// All kinds, in the order in which they are listed.
std::span<const Kind* const> optimizers();
/// Throws UsageError with the known names and the nearest one.
const Kind& find_optimizer(std::string_view name);
/// Throws UsageError when a setting is out of range or is none of this kind's.
void check(const Kind& kind, const Settings& settings);

/// A kind of optimiser at work on parameters: keeps their state and counts steps. Weights of contractions are
/// updated on their device, which pre-generates the next step's packed weights and adds the SR-STE term.
/// Parameters that require no gradient when it is made have no state.
class Optimizer {
 public:
  /// Throws UsageError as check().
  Optimizer(const Kind& kind, std::vector<nn::Parameter> parameters, const Settings& settings);

  const Kind& kind() const { return kind_; }
  /// What the learning rate is multiplied with for each parameter, in their order; 1 for all before.
  /// Decoupled weight decay follows the rate, as in PyTorch's parameter groups. Throws Error unless there is
  /// one for each.
  void set_lr_factors(std::vector<double> factors);
  void zero_grad();
  /// One update with learning rate `lr`. Parameters without a gradient stay as they are.
  void step(double lr);

  /// Steps done: bias corrections depend on them.
  std::int64_t steps() const { return steps_; }
  /// State under `STATE.PARAMETER` (`exp_avg.fc.weight`), for checkpoints; shared with the optimiser.
  std::vector<nn::NamedTensor> state() const;
  /// Throws FormatError when names or shapes do not fit, before anything is changed.
  void load_state(const std::map<std::string, Tensor>& values, std::int64_t steps);

 private:
  using States = std::vector<Tensor>;

  const Kind& kind_;
  std::vector<nn::Parameter> parameters_;
  std::vector<States> states_;  ///< of each parameter
  std::vector<double> lr_factors_;
  Settings settings_;
  std::int64_t steps_ = 0;
};

}  // namespace satsuma::optim
