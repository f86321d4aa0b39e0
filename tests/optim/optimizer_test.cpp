#include "satsuma/optim/optimizer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/nn/layer_norm.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/nn/sequential.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma::optim {

namespace {

/// Two steps of PyTorch's rule for one weight, from its documentation.
double expected_weight(const Settings& settings, double lr, double weight, double first_grad,
                       double second_grad) {
  double velocity = 0;
  for (const double grad : {first_grad, second_grad}) {
    const double g = grad + settings.weight_decay * weight;
    velocity = settings.momentum * velocity + g;
    const double direction = settings.nesterov ? g + settings.momentum * velocity : velocity;
    weight -= lr * direction;
  }
  return weight;
}

/// A linear layer without bias, [4, 4], whose groups of four prune different elements, under 2:4 BDWP.
struct PrunedLayer {
  explicit PrunedLayer(const char* device) : layer(4, 4, rng, false) {
    contraction = layer.contractions().front();
    Tensor weight = contraction->weight();
    weight.copy_from(Tensor::from<float>({4, 3, 2, 1, 1, 2, 3, 4, -4, 1, 3, -2, 1, 1, 1, 1}, weight.shape()));
    contraction->configure({.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 4}},
                            .sr_ste = 0.5,
                            .device = find_device(device)});
  }

  Rng rng{3};
  nn::Linear layer;
  std::shared_ptr<Contraction> contraction;
};

}  // namespace

TEST_CASE("two steps by hand") {
  // lr 0.1, momentum 0.9, weight decay 0.5, w = 2, gradients 1 and 3:
  // g = 1 + 1 = 2, v = 2, w = 2 - 0.2 = 1.8; g = 3 + 0.9 = 3.9, v = 1.8 + 3.9 = 5.7, w = 1.8 - 0.57 = 1.23.
  CHECK(expected_weight({.momentum = 0.9, .weight_decay = 0.5}, 0.1, 2, 1, 3) == doctest::Approx(1.23));
}

TEST_CASE("SGD follows PyTorch's rule on tensors and on contractions") {
  const Settings settings[] = {
      {},
      {.weight_decay = 0.01},
      {.momentum = 0.9},
      {.momentum = 0.9, .weight_decay = 0.5},
      {.momentum = 0.9, .nesterov = true, .weight_decay = 0.5},
  };
  for (const Settings& setting : settings) {
    CAPTURE(setting.momentum);
    CAPTURE(setting.weight_decay);
    CAPTURE(setting.nesterov);
    Rng rng(3);
    nn::Linear layer(3, 2, rng);
    layer.contractions().front()->configure({.device = find_device("reference")});
    const auto parameters = layer.parameters();
    std::vector<std::vector<double>> before;
    for (const auto& parameter : parameters) before.push_back(parameter.value.to_vector<double>());

    Optimizer sgd(find_optimizer("sgd"), parameters, setting);
    for (const double grad : {1.0, 3.0}) {
      for (const auto& parameter : parameters)
        parameter.value.set_grad(Tensor::full(parameter.value.shape(), grad));
      sgd.step(0.1);
    }
    CHECK(sgd.steps() == 2);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      const auto after = parameters[p].value.to_vector<double>();
      for (std::size_t i = 0; i < after.size(); ++i)
        CHECK(after[i] == doctest::Approx(expected_weight(setting, 0.1, before[p][i], 1, 3)).epsilon(1e-6));
    }
  }
}

TEST_CASE("the SR-STE term acts on pruned weights only") {
  PrunedLayer pruned("reference");
  const auto parameters = pruned.layer.parameters();
  Optimizer sgd(find_optimizer("sgd"), parameters, {});
  parameters[0].value.set_grad(Tensor::zeros({4, 4}));
  sgd.step(0.5);
  // Pruned along input channels: 2, 1 | 1, 2 | 1, -2 | the last two ones. Each lost lr * lambda = a quarter
  // of itself.
  CHECK(pruned.contraction->weight().to_vector<float>() ==
        std::vector<float>{4, 3, 1.5F, 0.75F, 0.75F, 1.5F, 3, 4, -4, 0.75F, 3, -1.5F, 1, 1, 0.75F, 0.75F});
  // The packed weights are those of the new weight.
  CHECK(pruned.contraction->packed(Pass::ff).values.to_vector<float>() ==
        std::vector<float>{4, 3, 3, 4, -4, 3, 1, 1});
}

TEST_CASE("the SR-STE term is part of the gradient that every optimiser sees") {
  for (const Kind* const kind : optimizers()) {
    CAPTURE(std::string(kind->name));
    PrunedLayer pruned("reference");
    // The same weight, never pruned, whose gradient holds the term already.
    PrunedLayer dense("reference");
    dense.contraction->configure({.device = find_device("reference")});
    const Tensor weight = pruned.contraction->weight();
    const Tensor mask = mask_of(weight, GroupAxis::input_channels, {2, 4});
    const auto w = weight.to_vector<float>(), kept = mask.to_vector<float>();
    std::vector<float> plain, with_term;
    for (std::size_t i = 0; i < w.size(); ++i) {
      plain.push_back(0.25F * static_cast<float>(i) - 2);
      with_term.push_back(plain[i] + 0.5F * (1 - kept[i]) * w[i]);
    }
    const Settings settings{.momentum = 0.9, .weight_decay = 0.1};
    const auto step = [&](PrunedLayer& layer, const std::vector<float>& grad) {
      const auto parameters = layer.layer.parameters();
      Optimizer optimizer(*kind, parameters, settings);
      parameters[0].value.set_grad(Tensor::from(grad, {4, 4}));
      optimizer.step(0.5);
      return layer.contraction->weight().to_vector<float>();
    };
    CHECK(step(pruned, plain) == step(dense, with_term));
  }
}

TEST_CASE("adaptive optimisers decay the weights of layers, and norms and biases on request") {
  for (const Kind* const kind : optimizers()) {
    for (const bool decay_norms : {false, true}) {
      CAPTURE(std::string(kind->name));
      CAPTURE(decay_norms);
      Rng rng(3);
      nn::Sequential model;
      model.append(std::make_shared<nn::Linear>(3, 2, rng));
      model.append(std::make_shared<nn::LayerNorm>(2));
      const auto parameters = model.parameters();
      for (const auto& parameter : parameters) Tensor(parameter.value).fill(2);
      Optimizer optimizer(*kind, parameters, {.weight_decay = 0.5, .decay_norms = decay_norms});
      for (const auto& parameter : parameters)
        parameter.value.set_grad(Tensor::zeros(parameter.value.shape()));
      optimizer.step(0.1);
      for (const auto& parameter : parameters) {
        CAPTURE(parameter.name);
        const bool decayed = parameter.value.to_vector<double>()[0] != 2;
        CHECK(decayed == (parameter.name == "0.weight" || decay_norms || !kind->adaptive));
      }
    }
  }
}

TEST_CASE("LAMB's step is as long as the weight") {
  Rng rng(3);
  nn::Linear layer(8, 4, rng, false);
  const auto parameters = layer.parameters();
  const auto before = parameters[0].value.to_vector<double>();
  Optimizer lamb(find_optimizer("lamb"), parameters, {.weight_decay = 0.01});
  parameters[0].value.set_grad(Tensor::full({4, 8}, 3));
  lamb.step(0.1);
  const auto after = parameters[0].value.to_vector<double>();
  double length = 0, moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    length += before[i] * before[i];
    moved += (after[i] - before[i]) * (after[i] - before[i]);
  }
  CHECK(std::sqrt(moved) == doctest::Approx(0.1 * std::sqrt(length)).epsilon(1e-5));
}

TEST_CASE("parameters without a gradient stay, zero_grad drops gradients") {
  Rng rng(3);
  nn::Linear layer(3, 2, rng);
  const auto parameters = layer.parameters();
  Optimizer sgd(find_optimizer("sgd"), parameters, {.momentum = 0.9, .weight_decay = 0.1});
  parameters[0].value.set_grad(Tensor::full(parameters[0].value.shape(), 1));
  sgd.zero_grad();
  CHECK_FALSE(parameters[0].value.grad().defined());
  const auto before = parameters[1].value.to_vector<float>();
  sgd.step(1.0);
  CHECK(parameters[1].value.to_vector<float>() == before);
}

TEST_CASE("state is saved under its own and its parameter's name, and loaded") {
  Rng rng(3);
  nn::Linear layer(3, 2, rng);
  const auto parameters = layer.parameters();
  const auto saved_of = [&](Optimizer& optimizer) {
    for (const auto& parameter : parameters)
      parameter.value.set_grad(Tensor::full(parameter.value.shape(), 2));
    optimizer.step(0.1);
    std::map<std::string, Tensor> saved;
    for (const auto& state : optimizer.state()) saved[state.name] = state.value.clone();
    return saved;
  };
  const Settings settings{.momentum = 0.9, .beta1 = 0.5};
  Optimizer sgd(find_optimizer("sgd"), parameters, settings);
  auto saved = saved_of(sgd);
  REQUIRE(saved.size() == 2);
  CHECK(saved.at("momentum_buffer.weight").to_vector<float>() == std::vector<float>(6, 2));
  CHECK(Optimizer(find_optimizer("sgd"), parameters, {}).state().empty());

  Optimizer adamw(find_optimizer("adamw"), parameters, settings);
  saved = saved_of(adamw);
  REQUIRE(saved.size() == 4);
  CHECK(saved.at("exp_avg.bias").to_vector<float>() == std::vector<float>(2, 1));
  CHECK(saved.at("exp_avg_sq.bias").to_vector<float>()[0] == doctest::Approx(4e-3));

  Optimizer other(find_optimizer("adamw"), parameters, settings);
  other.load_state(saved, 7);
  CHECK(other.steps() == 7);
  CHECK(other.state()[2].value.to_vector<float>() == std::vector<float>(2, 1));

  auto missing = saved;
  missing.erase("exp_avg.bias");
  CHECK_THROWS_WITH_AS(other.load_state(missing, 1), "the optimiser's 'exp_avg.bias' is missing",
                       FormatError);
  auto extra = saved;
  extra["fc"] = Tensor::zeros({1});
  CHECK_THROWS_WITH_AS(other.load_state(extra, 1), "optimiser 'adamw' has no 'fc'", FormatError);
  auto reshaped = saved;
  reshaped["exp_avg.bias"] = Tensor::zeros({3});
  CHECK_THROWS_WITH_AS(other.load_state(reshaped, 1), "the optimiser's 'exp_avg.bias' got [3], expected [2]",
                       FormatError);
}

TEST_CASE("settings that do not fit are refused") {
  const auto refuse = [](const char* kind, const Settings& settings) {
    check(find_optimizer(kind), settings);
  };
  CHECK_THROWS_AS(refuse("adamw", {.beta1 = 1}), UsageError);
  CHECK_THROWS_AS(refuse("adamw", {.beta2 = -0.1}), UsageError);
  CHECK_THROWS_AS(refuse("adamw", {.nesterov = true}), UsageError);
  CHECK_THROWS_AS(refuse("sgd", {.nesterov = true}), UsageError);
  CHECK_THROWS_WITH_AS(find_optimizer("adamww"),
                       "unknown optimizer 'adamww'; did you mean 'adamw'? known: sgd, adam, adamw, lamb",
                       UsageError);
}

}  // namespace satsuma::optim
