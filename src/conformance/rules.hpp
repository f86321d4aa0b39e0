#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "satsuma/device/sgd_rule.hpp"

namespace satsuma::conformance {

/// A rule that is nobody's: two states, a square root and a division, as adaptive optimisers have them; with
/// `layerwise` a learning rate that depends on the lengths of weight and direction.
class AdaptiveRule : public RuleOf<AdaptiveRule> {
 public:
  explicit AdaptiveRule(bool layerwise) : layerwise_(layerwise) {}

  std::size_t states() const override { return 2; }
  bool layerwise() const override { return layerwise_; }
  double trust(double weight_norm, double direction_norm) const override {
    return weight_norm / direction_norm;
  }
  template <typename T>
  void run(const UpdateRun<T>& run) const {
    for (std::int64_t i = 0; i < run.count; ++i) {
      T& mean = run.states[0][i];
      T& square = run.states[1][i];
      mean = T(0.5) * mean + T(0.5) * run.grad[i];
      square = T(0.75) * square + T(0.25) * run.grad[i] * run.grad[i];
      run.direction[i] = mean / (T(0.5) + std::sqrt(std::abs(square))) + T(0.125) * run.weight[i];
    }
  }

 private:
  bool layerwise_;
};

/// What devices are asked to do.
struct NamedRule {
  const char* name;  ///< as it stands in the names of checks
  const UpdateRule& rule;
};

inline std::span<const NamedRule> all_rules() {
  static const SgdRule kSgd;
  static const SgdRule kMomentum({.momentum = 0.9, .weight_decay = 5e-4});
  static const SgdRule kNesterov({.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  static const AdaptiveRule kAdaptive(false);
  static const AdaptiveRule kLayerwise(true);
  static const NamedRule kRules[] = {{"sgd", kSgd},
                                     {"momentum", kMomentum},
                                     {"nesterov", kNesterov},
                                     {"adaptive", kAdaptive},
                                     {"layerwise", kLayerwise}};
  return kRules;
}

}  // namespace satsuma::conformance
