#include "satsuma/optim/sgd.hpp"

#include <fmt/format.h>

#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/device/sgd_rule.hpp"

namespace satsuma::optim {

Sgd::Sgd(std::vector<nn::Parameter> parameters, SgdStep settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  if (settings_.momentum == 0) return;
  for (const nn::Parameter& parameter : parameters_) {
    velocities_.push_back(Tensor::empty_like(parameter.value));
    velocities_.back().fill(0);
  }
}

void Sgd::zero_grad() {
  for (const nn::Parameter& parameter : parameters_) parameter.value.set_grad({});
}

void Sgd::step(double lr) {
  SgdStep step = settings_;
  step.lr = lr;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const nn::Parameter& parameter = parameters_[i];
    const Tensor grad = parameter.value.grad();
    if (!grad.defined()) continue;
    const Tensor velocity = velocities_.empty() ? Tensor() : velocities_[i];
    if (parameter.contraction) {
      parameter.contraction->update(grad, velocity, step);
    } else {
      apply_sgd(parameter.value, grad, velocity, step);
    }
  }
}

std::vector<nn::NamedTensor> Sgd::state() const {
  std::vector<nn::NamedTensor> result;
  for (std::size_t i = 0; i < velocities_.size(); ++i)
    result.push_back({parameters_[i].name, velocities_[i]});
  return result;
}

void Sgd::load_state(const std::map<std::string, Tensor>& values) {
  const std::vector<nn::NamedTensor> own = state();
  std::set<std::string_view> known;
  for (const nn::NamedTensor& velocity : own) {
    known.insert(velocity.name);
    const auto found = values.find(velocity.name);
    if (found == values.end())
      throw FormatError(fmt::format("the velocity of '{}' is missing", velocity.name));
    if (!(found->second.shape() == velocity.value.shape())) {
      throw FormatError(fmt::format("the velocity of '{}' got {}, expected {}", velocity.name,
                                    to_string(found->second.shape()), to_string(velocity.value.shape())));
    }
  }
  for (const auto& [name, value] : values) {
    if (!known.contains(name)) throw FormatError(fmt::format("there is no velocity '{}'", name));
  }
  for (std::size_t i = 0; i < velocities_.size(); ++i)
    velocities_[i].copy_from(values.at(parameters_[i].name));
}

}  // namespace satsuma::optim
