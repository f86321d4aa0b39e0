#include "satsuma/optim/optimizer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "satsuma/core/error.hpp"

namespace satsuma::optim {

namespace {

void check_decay_rate(const char* name, double value) {
  if (!(value >= 0 && value < 1))
    throw UsageError(fmt::format("--{} got {}, expected a number from 0 to below 1", name, value));
}

}  // namespace

void check(const Kind& kind, const Settings& settings) {
  check_decay_rate("beta1", settings.beta1);
  check_decay_rate("beta2", settings.beta2);
  if (!settings.nesterov) return;
  if (kind.adaptive) throw UsageError(fmt::format("--nesterov got --optimizer {}, expected sgd", kind.name));
  if (settings.momentum == 0) throw UsageError("--nesterov got --momentum 0, expected a momentum above 0");
}

Optimizer::Optimizer(const Kind& kind, std::vector<nn::Parameter> parameters, const Settings& settings)
    : kind_(kind),
      parameters_(std::move(parameters)),
      lr_factors_(parameters_.size(), 1.0),
      settings_(settings) {
  check(kind, settings);
  const std::size_t states = kind.rule(settings, 1)->states();
  for (const nn::Parameter& parameter : parameters_) {
    States& own = states_.emplace_back();
    if (!parameter.value.requires_grad()) continue;
    for (std::size_t i = 0; i < states; ++i) {
      own.push_back(Tensor::empty_like(parameter.value));
      own.back().fill(0);
    }
  }
}

void Optimizer::set_lr_factors(std::vector<double> factors) {
  if (factors.size() != parameters_.size()) {
    throw Error(fmt::format("an optimiser got {} factors of the learning rate, expected {}: one a parameter",
                            factors.size(), parameters_.size()));
  }
  lr_factors_ = std::move(factors);
}

void Optimizer::zero_grad() {
  for (const nn::Parameter& parameter : parameters_) parameter.value.set_grad({});
}

void Optimizer::step(double lr) {
  ++steps_;
  Settings undecayed = settings_;
  if (kind_.adaptive && !settings_.decay_norms) undecayed.weight_decay = 0;
  // Convolution and linear layers have a contraction. What else there is are norms, biases, class tokens and
  // position embeddings.
  const auto rule_of_weights = kind_.rule(settings_, steps_);
  const auto rule_of_others = kind_.rule(undecayed, steps_);
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const nn::Parameter& parameter = parameters_[p];
    const Tensor grad = parameter.value.grad();
    if (!grad.defined()) continue;
    const double rate = lr * lr_factors_[p];
    if (parameter.contraction) {
      parameter.contraction->update(grad, states_[p], *rule_of_weights, rate);
      continue;
    }
    UpdateArgs args{.weight = parameter.value, .grad = grad, .rule = rule_of_others.get(), .lr = rate};
    std::copy(states_[p].begin(), states_[p].end(), args.states.begin());
    apply_update(args);
  }
}

std::vector<nn::NamedTensor> Optimizer::state() const {
  std::vector<nn::NamedTensor> result;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    for (std::size_t i = 0; i < states_[p].size(); ++i)
      result.push_back({fmt::format("{}.{}", kind_.states[i], parameters_[p].name), states_[p][i]});
  }
  return result;
}

void Optimizer::load_state(const std::map<std::string, Tensor>& values, std::int64_t steps) {
  const std::vector<nn::NamedTensor> own = state();
  std::set<std::string_view> known;
  for (const nn::NamedTensor& tensor : own) {
    known.insert(tensor.name);
    const auto found = values.find(tensor.name);
    if (found == values.end()) throw FormatError(fmt::format("the optimiser's '{}' is missing", tensor.name));
    if (!(found->second.shape() == tensor.value.shape())) {
      throw FormatError(fmt::format("the optimiser's '{}' got {}, expected {}", tensor.name,
                                    to_string(found->second.shape()), to_string(tensor.value.shape())));
    }
  }
  for (const auto& [name, value] : values) {
    if (!known.contains(name)) throw FormatError(fmt::format("optimiser '{}' has no '{}'", kind_.name, name));
  }
  for (const nn::NamedTensor& tensor : own) Tensor(tensor.value).copy_from(values.at(tensor.name));
  steps_ = steps;
}

}  // namespace satsuma::optim
