#pragma once

#include "satsuma/optim/optimizer.hpp"

namespace satsuma::optim {

/// Adam's direction in step t (arXiv 1412.6980, algorithm 1), m and v being the two states:
///   m <- beta1 * m + (1 - beta1) * g        m' = m / (1 - beta1^t)
///   v <- beta2 * v + (1 - beta2) * g^2      v' = v / (1 - beta2^t)
///   u = m' / (sqrt(v') + epsilon)
/// Weight decay is either L2's, g <- g' + weight_decay * W, or decoupled from the moments (arXiv 1711.05101),
/// u <- u + weight_decay * W.
class AdamRule : public RuleOf<AdamRule> {
 public:
  AdamRule(const Settings& settings, std::int64_t step, bool decoupled);

  std::size_t states() const override { return 2; }
  template <typename T>
  void run(const UpdateRun<T>& run) const;

 private:
  double beta1_, beta2_, epsilon_;
  double l2_, decay_;                 ///< one of the two is the weight decay
  double correction1_, correction2_;  ///< 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
};

}  // namespace satsuma::optim
