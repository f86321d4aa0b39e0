#include "tools/satsuma/mac_budget.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "satsuma/train/pattern_budget.hpp"
#include "tools/satsuma/layers.hpp"

namespace satsuma::tools {

namespace {

/// The costs of each of `layers` under each of `patterns`; the model ends configured with the last one.
std::vector<std::vector<train::PatternCost>> costs_of(const train::Recipe& recipe, nn::Module& model,
                                                      const std::vector<Layer>& layers,
                                                      const std::vector<Pattern>& patterns,
                                                      const std::vector<Tensor>& saliency) {
  std::vector<std::vector<train::PatternCost>> costs(layers.size());
  train::LayerOptions options = recipe.layer_options();
  const auto contractions = model.contractions();
  for (const Pattern pattern : patterns) {
    options.pattern = pattern;
    train::configure_layers(model, options);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Contraction& layer = *layers[i].contraction;
      const auto at = std::find(contractions.begin(), contractions.end(), layers[i].contraction);
      const Tensor& own = saliency[static_cast<std::size_t>(at - contractions.begin())];
      costs[i].push_back({pattern, static_cast<double>(layers[i].macs().sum()),
                          train::pruning_loss(layer.plan(), layer.weight(), own)});
    }
  }
  return costs;
}

bool is_prunable(const std::vector<train::PatternCost>& costs) {
  return std::any_of(costs.begin(), costs.end(),
                     [&](const train::PatternCost& cost) { return cost.macs != costs.front().macs; });
}

}  // namespace

void choose_by_budget(train::Recipe& recipe, nn::Module& model, const train::ExperimentData& data,
                      train::Progress& progress) {
  const std::vector<Layer> layers = trace_layers(model, data.input);
  const std::vector<Tensor> saliency = train::weight_saliency(recipe, model, data);
  const std::vector<Pattern> patterns = train::budget_patterns(Pattern::parse(recipe.nm));
  const auto costs = costs_of(recipe, model, layers, patterns, saliency);
  double dense = 0, macs = 0;
  for (const Layer& layer : layers) dense += static_cast<double>(layer.dense_macs().sum());
  const std::vector<std::size_t> chosen = train::choose_patterns(costs, *recipe.budget_macs * dense);

  recipe.nm_for.clear();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const train::PatternCost& cost = costs[i][chosen[i]];
    macs += cost.macs;
    const std::string& name = layers[i].contraction->name();
    if (!is_prunable(costs[i])) {
      progress.say(fmt::format("  {:<24} stays dense whatever the pattern", name));
      continue;
    }
    recipe.nm_for.push_back(fmt::format("{}={}", name, to_string(cost.pattern)));
    progress.say(fmt::format("  {:<24} {:<6} {:.1f} % of its multiply-adds, loss {:.2e}", name,
                             to_string(cost.pattern),
                             100 * cost.macs / static_cast<double>(layers[i].dense_macs().sum()), cost.loss));
  }
  progress.say(fmt::format("--budget-macs {}: {:.2f} % of a dense step, by these --nm-for",
                           *recipe.budget_macs, 100 * macs / dense));
  recipe.budget_macs.reset();
  train::configure_layers(model, recipe.layer_options());
}

}  // namespace satsuma::tools
