#include "satsuma/train/pattern_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

namespace {

using Costs = std::vector<std::vector<PatternCost>>;

struct Sum {
  double macs = 0;
  double loss = 0;
};

Sum sum_of(const Costs& costs, const std::vector<std::size_t>& chosen) {
  Sum sum;
  for (std::size_t i = 0; i < costs.size(); ++i) {
    sum.macs += costs[i][chosen[i]].macs;
    sum.loss += costs[i][chosen[i]].loss;
  }
  return sum;
}

/// Layers of several sizes whose loss falls ever slower, as weights that are kept last matter least.
Costs random_costs(Rng& rng, std::size_t layers) {
  Costs costs(layers);
  for (auto& layer : costs) {
    const double size = 1 + static_cast<double>(rng.below(20));
    const double weight = rng.uniform() * 10;
    double loss = weight * 2;
    for (const int n : {1, 2, 4, 8}) {
      layer.push_back({{n, 8}, size * n, n == 8 ? 0 : loss});
      loss *= 0.2 + 0.2 * rng.uniform();
    }
  }
  return costs;
}

/// The least loss of all choices that fit.
double least_loss(const Costs& costs, double budget) {
  std::vector<std::size_t> chosen(costs.size(), 0);
  double least = 1e300;
  for (;;) {
    const Sum sum = sum_of(costs, chosen);
    if (sum.macs <= budget) least = std::min(least, sum.loss);
    std::size_t at = 0;
    while (at < chosen.size() && ++chosen[at] == costs[at].size()) chosen[at++] = 0;
    if (at == chosen.size()) return least;
  }
}

}  // namespace

TEST_CASE("the chosen patterns hold the budget and lose at most a step more than the best choice") {
  Rng rng(5);
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const Costs costs = random_costs(rng, 6);
    double dense = 0, largest_step = 0;
    for (const auto& layer : costs) {
      dense += layer.back().macs;
      for (std::size_t i = 1; i < layer.size(); ++i)
        largest_step = std::max(largest_step, layer[i - 1].loss - layer[i].loss);
    }
    const double budget = dense * (0.2 + 0.7 * rng.uniform());
    const std::vector<std::size_t> chosen = choose_patterns(costs, budget);
    const Sum sum = sum_of(costs, chosen);
    CHECK(sum.macs <= budget);
    CHECK(sum.loss <= least_loss(costs, budget) + largest_step);
    CHECK(choose_patterns(costs, budget) == chosen);
    // Nothing that saves loss would still fit.
    for (std::size_t i = 0; i < costs.size(); ++i) {
      for (const PatternCost& other : costs[i]) {
        const PatternCost& own = costs[i][chosen[i]];
        CHECK_FALSE((other.loss < own.loss && sum.macs - own.macs + other.macs <= budget));
      }
    }
  }
}

TEST_CASE("a whole budget leaves everything dense, and too small a one is refused") {
  Rng rng(6);
  const Costs costs = random_costs(rng, 3);
  double dense = 0;
  for (const auto& layer : costs) dense += layer.back().macs;
  CHECK(choose_patterns(costs, dense) == std::vector<std::size_t>{3, 3, 3});
  CHECK_THROWS_AS(choose_patterns(costs, dense / 9), UsageError);
  CHECK(budget_patterns({2, 8}) == std::vector<Pattern>{{1, 8}, {2, 8}, {4, 8}, {8, 8}});
  CHECK(budget_patterns({1, 4, 2}) == std::vector<Pattern>{{1, 4, 2}, {2, 4, 2}, {4, 4, 2}});
}

TEST_CASE("saliency is the square of weight times gradient, and the model is left as it was") {
  set_threads(1);
  Recipe recipe = testing::tiny_recipe();
  recipe.batch_size = 25;
  recipe.augment = "none";
  const ExperimentData data = testing::tiny_data();
  const auto model = testing::tiny_model(recipe);
  std::map<std::string, std::vector<float>> before;
  for (const nn::NamedTensor& tensor : model->state()) before[tensor.name] = tensor.value.to_vector<float>();
  const std::vector<Tensor> saliency = weight_saliency(recipe, *model, data);
  const auto layers = model->contractions();
  REQUIRE(saliency.size() == layers.size());
  for (const nn::NamedTensor& tensor : model->state())
    CHECK(tensor.value.to_vector<float>() == before[tensor.name]);
  for (const nn::Parameter& parameter : model->parameters()) {
    const Tensor grad = parameter.value.grad();
    if (grad.defined()) CHECK(std::ranges::all_of(grad.to_vector<float>(), [](float g) { return g == 0; }));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    CHECK(saliency[i].shape() == layers[i]->weight().shape());
    const auto values = saliency[i].to_vector<float>();
    CHECK(std::ranges::all_of(values, [](float s) { return s >= 0; }));
    CHECK(std::ranges::any_of(values, [](float s) { return s > 0; }));
  }
  // The same again: nothing but the recipe decides.
  const std::vector<Tensor> again = weight_saliency(recipe, *model, data);
  for (std::size_t i = 0; i < layers.size(); ++i)
    CHECK(again[i].to_vector<float>() == saliency[i].to_vector<float>());
}

TEST_CASE("the loss of pruning is what both masks leave out, and falls as more is kept") {
  const Tensor weight =
      Tensor::from(std::vector<float>{4.0F, 1.0F, 3.0F, 2.0F, 1.0F, 2.0F, 3.0F, 4.0F}, {2, 4, 1, 1});
  const Tensor saliency =
      Tensor::from(std::vector<float>{1.0F, 2.0F, 4.0F, 8.0F, 16.0F, 32.0F, 64.0F, 128.0F}, {2, 4, 1, 1});
  const Geometry geometry = {.in_channels = 4, .out_channels = 2};
  const auto loss = [&](const char* method, Pattern pattern) {
    return pruning_loss(planned(geometry, {.method = &find_method(method), .pattern = pattern}), weight,
                        saliency);
  };
  // FF along inputs keeps 4 3 | 3 4 of 2:4: it leaves out 2 + 8 + 16 + 32. Two outputs are fewer than four.
  CHECK(loss("bdwp", {2, 4}) == 58);
  CHECK(loss("sr-ste", {2, 4}) == 58);
  CHECK(loss("sdwp", {2, 4}) == 0);
  CHECK(loss("dense", {2, 4}) == 0);
  // 1:2: FF leaves out 2, 8 | 16, 64; BP keeps the larger of each column, the first where they are equal.
  CHECK(loss("sr-ste", {1, 2}) == 2 + 8 + 16 + 64);
  CHECK(loss("bdwp", {1, 2}) == 2 + 8 + 16 + 64 + 16 + 2 + 64 + 8);
  CHECK(loss("bdwp", {2, 2}) == 0);
}

}  // namespace satsuma::train
