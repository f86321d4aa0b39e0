#include "src/optim/adam_rule.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

const Kind kAdam = {
    .name = "adam",
    .summary = "steps divided by the size of past gradients; L2 weight decay",
    .source = "arXiv 1412.6980",
    .adaptive = true,
    .default_lr = 1e-3,
    .states = {"exp_avg", "exp_avg_sq"},
    .rule = [](const Settings& settings, std::int64_t step) -> std::unique_ptr<UpdateRule> {
      return std::make_unique<AdamRule>(settings, step, false);
    },
};

}  // namespace satsuma::optim
