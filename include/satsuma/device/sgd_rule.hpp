#pragma once

#include "satsuma/device/update.hpp"

namespace satsuma {

struct SgdSettings {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Momentum SGD, PyTorch's: g <- g' + weight_decay * W; v <- momentum * v + g; u = nesterov ? g + momentum *
/// v : v. Without momentum there is no v, and u = g.
class SgdRule : public RuleOf<SgdRule> {
 public:
  explicit SgdRule(SgdSettings settings = {}) : settings_(settings) {}

  const SgdSettings& settings() const { return settings_; }
  std::size_t states() const override { return settings_.momentum != 0 ? 1 : 0; }
  const SgdRule* sgd() const override { return this; }
  template <typename T>
  void run(const UpdateRun<T>& run) const;

 private:
  SgdSettings settings_;
};

/// A step of momentum SGD as a unit for it is told (SAT's WUVE, OpenCL kernels, plug-ins).
struct SgdStep {
  double lr = 0;
  SgdSettings rule = {};
  double sr_ste = 0;
};

/// The step of `args`, whose rule is SGD.
SgdStep sgd_step(const UpdateArgs& args);

}  // namespace satsuma
