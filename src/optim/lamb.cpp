#include "src/optim/adam_rule.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

namespace {

/// Adam's direction with decoupled weight decay, scaled for each parameter to the length of its weight:
/// trust = ||W|| / ||u||, or 1 where either is 0 (arXiv 1904.00962, algorithm 2, phi the identity).
/// Parameters that do not decay are not scaled either, as in timm and NVIDIA's.
class LambRule : public UpdateRule {
 public:
  LambRule(const Settings& settings, std::int64_t step)
      : adam_(settings, step, true), scaled_(settings.weight_decay != 0) {}

  std::size_t states() const override { return adam_.states(); }
  void direction(const UpdateRun<float>& run) const override { adam_.run(run); }
  void direction(const UpdateRun<double>& run) const override { adam_.run(run); }
  bool layerwise() const override { return scaled_; }
  double trust(double weight_norm, double direction_norm) const override {
    return weight_norm > 0 && direction_norm > 0 ? weight_norm / direction_norm : 1;
  }

 private:
  AdamRule adam_;
  bool scaled_;
};

}  // namespace

const Kind kLamb = {
    .name = "lamb",
    .summary = "AdamW with a trust ratio for each parameter, for large batches",
    .source = "arXiv 1904.00962",
    .adaptive = true,
    .default_lr = 1e-3,
    .default_weight_decay = 0.01,
    .states = {"exp_avg", "exp_avg_sq"},
    .rule = [](const Settings& settings, std::int64_t step) -> std::unique_ptr<UpdateRule> {
      return std::make_unique<LambRule>(settings, step);
    },
};

}  // namespace satsuma::optim
