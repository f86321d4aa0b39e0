#include "src/optim/adam_rule.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

const Kind kAdamW = {
    .name = "adamw",
    .summary = "Adam with weight decay decoupled from the gradient",
    .source = "arXiv 1711.05101",
    .adaptive = true,
    .default_lr = 1e-3,
    .default_weight_decay = 0.01,
    .states = {"exp_avg", "exp_avg_sq"},
    .rule = [](const Settings& settings, std::int64_t step) -> std::unique_ptr<UpdateRule> {
      return std::make_unique<AdamRule>(settings, step, true);
    },
};

}  // namespace satsuma::optim
