#include "src/optim/adam_rule.hpp"

#include <cmath>

namespace satsuma::optim {

AdamRule::AdamRule(const Settings& settings, std::int64_t step, bool decoupled)
    : beta1_(settings.beta1),
      beta2_(settings.beta2),
      epsilon_(settings.epsilon),
      l2_(decoupled ? 0 : settings.weight_decay),
      decay_(decoupled ? settings.weight_decay : 0),
      correction1_(1 / (1 - std::pow(settings.beta1, static_cast<double>(step)))),
      correction2_(1 / std::sqrt(1 - std::pow(settings.beta2, static_cast<double>(step)))) {}

template <typename T>
void AdamRule::run(const UpdateRun<T>& run) const {
  const T beta1 = static_cast<T>(beta1_), rest1 = static_cast<T>(1 - beta1_);
  const T beta2 = static_cast<T>(beta2_), rest2 = static_cast<T>(1 - beta2_);
  const T epsilon = static_cast<T>(epsilon_);
  const T l2 = static_cast<T>(l2_), decay = static_cast<T>(decay_);
  const T correction1 = static_cast<T>(correction1_), correction2 = static_cast<T>(correction2_);
  const T* const __restrict grad = run.grad;
  const T* const __restrict weight = run.weight;
  T* const __restrict mean = run.states[0];
  T* const __restrict square = run.states[1];
  T* const __restrict direction = run.direction;
  for (std::int64_t i = 0; i < run.count; ++i) {
    const T g = grad[i] + l2 * weight[i];
    const T m = beta1 * mean[i] + rest1 * g;
    const T v = beta2 * square[i] + rest2 * g * g;
    mean[i] = m;
    square[i] = v;
    direction[i] = m * correction1 / (std::sqrt(v) * correction2 + epsilon) + decay * weight[i];
  }
}

template void AdamRule::run(const UpdateRun<float>&) const;
template void AdamRule::run(const UpdateRun<double>&) const;

}  // namespace satsuma::optim
