#include "satsuma/train/fine_tuning.hpp"

#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/train/experiment.hpp"
#include "support/random_tensor.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

std::vector<std::string> frozen_names(const nn::Module& model) {
  std::vector<std::string> names;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (!parameter.value.requires_grad()) names.push_back(parameter.name);
  }
  return names;
}

std::vector<std::string> frozen_by(std::string_view expression) {
  TinyNet model(0);
  freeze(model, expression);
  return frozen_names(model);
}

}  // namespace

TEST_CASE("layers and parameters are chosen by their names and by those of what they are in") {
  CHECK(matches_parameter("layer1", "layer1.0.conv1.weight"));
  CHECK(matches_parameter("layer1.*", "layer1.0.conv1.weight"));
  CHECK(matches_parameter("layer1.0.conv1", "layer1.0.conv1.weight"));
  CHECK(matches_parameter("*.weight", "layer1.0.conv1.weight"));
  CHECK(matches_parameter("fc|*.conv?", "layer1.0.conv1.weight"));
  CHECK_FALSE(matches_parameter("layer", "layer1.0.conv1.weight"));
  CHECK_FALSE(matches_parameter("conv1", "layer1.0.conv1.weight"));

  using Names = std::vector<std::string>;
  CHECK(frozen_by("conv1") == Names{"conv1.weight"});
  CHECK(frozen_by("bn1|conv2.bias") == Names{"bn1.weight", "bn1.bias", "conv2.bias"});
  CHECK(frozen_by("*.bias") == Names{"bn1.bias", "conv2.bias", "fc.bias"});
}

TEST_CASE("a pattern that matches nothing is refused with the nearest name, and so is freezing all") {
  const auto refusal = [](std::string_view expression) {
    return message_of<UsageError>([&] { frozen_by(expression); });
  };
  CHECK(refusal("conv1|bm1") ==
        "--freeze: 'bm1' matches no layer and no parameter; did you mean 'bn1'? the model consists of conv1, "
        "bn1, "
        "conv2, fc");
  CHECK(contains(refusal("conv3.*"), "did you mean 'conv1'?"));
  CHECK(contains(refusal("*"), "leaves nothing to train"));
  CHECK(contains(refusal("conv1|"), "''"));
}

TEST_CASE("learning rates by layer") {
  const TinyNet model(0);
  const std::vector<nn::Parameter> parameters = model.parameters();
  const std::vector<double> factors =
      lr_factors(parameters, {LayerRate::parse("fc=10"), LayerRate::parse("*.bias=0.5")}, 1);
  REQUIRE(factors.size() == parameters.size());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::string& name = parameters[i].name;
    CHECK(factors[i] == (name.starts_with("fc.") ? 10 : 1) * (name.ends_with(".bias") ? 0.5 : 1));
  }
  const auto refusal = [&](const char* rate, double decay) {
    return message_of<UsageError>([&] { lr_factors(parameters, {LayerRate::parse(rate)}, decay); });
  };
  CHECK(contains(refusal("fd=10", 1), "--lr-for 'fd=10': 'fd' matches no layer"));
  CHECK(contains(refusal("fd=10", 1), "did you mean 'fc'?"));
  for (const char* bad : {"fc", "=10", "fc=", "fc=0", "fc=-1", "fc=nan", "fc=1e7", "fc=1x"})
    CHECK(contains(refusal(bad, 1), "--lr-for got '"));
  CHECK(contains(refusal("fc=10", 0.75), "--layer-decay got 0.75"));
}

TEST_CASE("a factor on the rate of a parameter is that rate, whatever the optimiser and the device") {
  // Two networks from one seed, one with a rate of 0.02 for `fc` and 0.2 for the others by factors of 0.1,
  // one of two optimisers over half of the parameters each.
  for (const char* kind : {"sgd", "adamw", "lamb"}) {
    for (const char* device : {"cpu", "reference"}) {
      CAPTURE(kind);
      CAPTURE(device);
      TinyNet ours(3), theirs(3);
      const optim::Settings settings = {.momentum = 0.9, .weight_decay = 0.1};
      std::vector<nn::Parameter> head, rest;
      LayerOptions layers;
      layers.set_method("bdwp@2:4");
      layers.device = device;
      for (nn::Module* const model : {static_cast<nn::Module*>(&ours), static_cast<nn::Module*>(&theirs)})
        configure_layers(*model, layers);
      for (const nn::Parameter& parameter : theirs.parameters())
        (parameter.name.starts_with("fc.") ? head : rest).push_back(parameter);
      optim::Optimizer one(optim::find_optimizer(kind), ours.parameters(), settings);
      optim::Optimizer of_head(optim::find_optimizer(kind), head, settings);
      optim::Optimizer of_rest(optim::find_optimizer(kind), rest, settings);
      one.set_lr_factors(lr_factors(ours.parameters(), {LayerRate::parse("fc=0.1")}, 1));
      for (std::uint64_t step = 0; step < 3; ++step) {
        const auto mine = ours.parameters(), other = theirs.parameters();
        for (std::size_t i = 0; i < mine.size(); ++i) {
          const Tensor grad = random_tensor(mine[i].value.shape(), 10 * step + i, DType::f32);
          mine[i].value.set_grad(grad);
          other[i].value.set_grad(grad);
        }
        one.step(0.2);
        of_head.step(0.2 * 0.1);
        of_rest.step(0.2);
      }
      const auto mine = ours.state(), other = theirs.state();
      for (std::size_t i = 0; i < mine.size(); ++i)
        CHECK(mine[i].value.to_vector<float>() == other[i].value.to_vector<float>());
    }
  }
  TinyNet net(0);
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), net.parameters(), {});
  CHECK_THROWS_AS(optimizer.set_lr_factors({1, 2}), Error);
}

}  // namespace satsuma::train
