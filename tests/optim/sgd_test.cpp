#include "satsuma/optim/sgd.hpp"

#include <doctest/doctest.h>

#include <map>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma::optim {

namespace {

/// Two steps of PyTorch's rule for one weight, from its documentation.
double expected_weight(const SgdStep& step, double weight, double first_grad, double second_grad) {
  double velocity = 0;
  for (const double grad : {first_grad, second_grad}) {
    const double g = grad + step.weight_decay * weight;
    velocity = step.momentum * velocity + g;
    const double direction = step.nesterov ? g + step.momentum * velocity : velocity;
    weight -= step.lr * direction;
  }
  return weight;
}

}  // namespace

TEST_CASE("two steps by hand") {
  // lr 0.1, momentum 0.9, weight decay 0.5, w = 2, gradients 1 and 3:
  // g = 1 + 1 = 2, v = 2, w = 2 - 0.2 = 1.8; g = 3 + 0.9 = 3.9, v = 1.8 + 3.9 = 5.7, w = 1.8 - 0.57 = 1.23.
  const SgdStep step{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5};
  CHECK(expected_weight(step, 2, 1, 3) == doctest::Approx(1.23));
}

TEST_CASE("SGD follows PyTorch's rule on tensors and on contractions") {
  const SgdStep settings[] = {
      {.lr = 0.1},
      {.lr = 0.1, .weight_decay = 0.01},
      {.lr = 0.1, .momentum = 0.9},
      {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5},
      {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .nesterov = true},
  };
  for (const SgdStep& setting : settings) {
    CAPTURE(setting.momentum);
    CAPTURE(setting.weight_decay);
    CAPTURE(setting.nesterov);
    Rng rng(3);
    nn::Linear layer(3, 2, rng);
    layer.contractions().front()->configure({.device = find_device("reference")});
    const auto parameters = layer.parameters();
    std::vector<std::vector<double>> before;
    for (const auto& parameter : parameters) before.push_back(parameter.value.to_vector<double>());

    Sgd sgd(parameters, setting);
    for (const double grad : {1.0, 3.0}) {
      for (const auto& parameter : parameters)
        parameter.value.set_grad(Tensor::full(parameter.value.shape(), grad));
      sgd.step(0.1);
    }
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const auto after = parameters[p].value.to_vector<double>();
      for (std::size_t i = 0; i < after.size(); ++i) {
        CHECK(after[i] == doctest::Approx(expected_weight(setting, before[p][i], 1, 3)).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("the SR-STE term acts on pruned weights only") {
  Rng rng(3);
  nn::Linear layer(4, 4, rng, false);
  const auto contraction = layer.contractions().front();
  Tensor weight = contraction->weight();
  weight.copy_from(Tensor::from<float>({4, 3, 2, 1, 1, 2, 3, 4, -4, 1, 3, -2, 1, 1, 1, 1}, weight.shape()));
  contraction->configure(
      {.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 4}}, .decay = 0.5, .device = find_device("reference")});
  const auto parameters = layer.parameters();
  Sgd sgd(parameters, {});
  parameters[0].value.set_grad(Tensor::zeros({4, 4}));
  sgd.step(0.5);
  // Pruned along input channels: 2, 1 | 1, 2 | 1, -2 | the last two ones. Each lost lr * decay = a quarter of
  // itself.
  CHECK(weight.to_vector<float>() ==
        std::vector<float>{4, 3, 1.5F, 0.75F, 0.75F, 1.5F, 3, 4, -4, 0.75F, 3, -1.5F, 1, 1, 0.75F, 0.75F});
  // The packed weights are those of the new weight.
  CHECK(contraction->packed(Pass::ff).values.to_vector<float>() ==
        std::vector<float>{4, 3, 3, 4, -4, 3, 1, 1});
}

TEST_CASE("parameters without a gradient stay, zero_grad drops gradients") {
  Rng rng(3);
  nn::Linear layer(3, 2, rng);
  const auto parameters = layer.parameters();
  Sgd sgd(parameters, {.momentum = 0.9, .weight_decay = 0.1});
  parameters[0].value.set_grad(Tensor::full(parameters[0].value.shape(), 1));
  sgd.zero_grad();
  CHECK_FALSE(parameters[0].value.grad().defined());
  const auto before = parameters[1].value.to_vector<float>();
  sgd.step(1.0);
  CHECK(parameters[1].value.to_vector<float>() == before);
}

TEST_CASE("velocities are saved under their parameters' names and loaded") {
  Rng rng(3);
  nn::Linear layer(3, 2, rng);
  const auto parameters = layer.parameters();
  Sgd sgd(parameters, {.momentum = 0.9});
  for (const auto& parameter : parameters) parameter.value.set_grad(Tensor::full(parameter.value.shape(), 2));
  sgd.step(0.1);

  std::map<std::string, Tensor> saved;
  for (const auto& velocity : sgd.state()) saved[velocity.name] = velocity.value.clone();
  REQUIRE(saved.size() == 2);
  CHECK(saved.at("weight").to_vector<float>() == std::vector<float>(6, 2));

  Sgd other(parameters, {.momentum = 0.9});
  other.load_state(saved);
  CHECK(other.state()[1].value.to_vector<float>() == std::vector<float>(2, 2));
  CHECK(Sgd(parameters, {}).state().empty());

  auto missing = saved;
  missing.erase("bias");
  CHECK_THROWS_WITH_AS(other.load_state(missing), "the velocity of 'bias' is missing", FormatError);
  auto extra = saved;
  extra["fc"] = Tensor::zeros({1});
  CHECK_THROWS_WITH_AS(other.load_state(extra), "there is no velocity 'fc'", FormatError);
  auto reshaped = saved;
  reshaped["bias"] = Tensor::zeros({3});
  CHECK_THROWS_WITH_AS(other.load_state(reshaped), "the velocity of 'bias' got [3], expected [2]",
                       FormatError);
}

}  // namespace satsuma::optim
