#include "satsuma/device/sgd_rule.hpp"
#include "src/optim/kinds.hpp"

namespace satsuma::optim {

const Kind kSgd = {
    .name = "sgd",
    .summary = "stochastic gradient descent with momentum, Nesterov's on request, and L2 weight decay",
    .source = "Sutskever et al., ICML 2013; as PyTorch's SGD",
    .default_lr = 0.1,
    .default_weight_decay = 5e-4,
    .states = {"momentum_buffer"},
    .rule = [](const Settings& settings, std::int64_t) -> std::unique_ptr<UpdateRule> {
      return std::make_unique<SgdRule>(
          SgdSettings{settings.momentum, settings.weight_decay, settings.nesterov});
    },
};

}  // namespace satsuma::optim
