#include "satsuma/device/sgd_rule.hpp"

namespace satsuma {

namespace {

/// What becomes of one gradient; the switches are constants, so that each loop has no branch.
template <bool Momentum, bool Nesterov, typename T>
void run_sgd(const SgdSettings& settings, const UpdateRun<T>& run) {
  const T momentum = static_cast<T>(settings.momentum);
  const T weight_decay = static_cast<T>(settings.weight_decay);
  const T* const __restrict grad = run.grad;
  const T* const __restrict weight = run.weight;
  T* const __restrict velocity = run.states[0];
  T* const __restrict direction = run.direction;
  for (std::int64_t i = 0; i < run.count; ++i) {
    T g = grad[i] + weight_decay * weight[i];
    if constexpr (Momentum) {
      const T v = momentum * velocity[i] + g;
      velocity[i] = v;
      g = Nesterov ? g + momentum * v : v;
    }
    direction[i] = g;
  }
}

}  // namespace

template <typename T>
void SgdRule::run(const UpdateRun<T>& run) const {
  if (states() == 0) {
    run_sgd<false, false>(settings_, run);
  } else if (settings_.nesterov) {
    run_sgd<true, true>(settings_, run);
  } else {
    run_sgd<true, false>(settings_, run);
  }
}

template void SgdRule::run(const UpdateRun<float>&) const;
template void SgdRule::run(const UpdateRun<double>&) const;

SgdStep sgd_step(const UpdateArgs& args) {
  return {args.lr, args.rule->sgd()->settings(), args.sr_ste};
}

}  // namespace satsuma
