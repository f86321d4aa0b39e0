#include "tools/satsuma/trained.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"

namespace satsuma::tools {

namespace {

/// `bdwp 2:8`, or `dense`.
std::string pruning(const std::string& method, const std::string& pattern) {
  return method == "dense" ? method : fmt::format("{} {}", method, pattern);
}

}  // namespace

train::Recipe trained_recipe(const train::Checkpoint& checkpoint, const RecipeFlags& flags,
                             std::initializer_list<std::string_view> needed) {
  train::Recipe base;
  if (checkpoint.info) {
    base = train::parse_recipe(checkpoint.info->recipe, checkpoint.path.string());
    base.threads.reset();  // that was another machine, perhaps
    if (!checkpoint.info->method.empty()) base.method = checkpoint.info->method;
    if (!checkpoint.info->pattern.empty()) base.nm = checkpoint.info->pattern;
  } else if (!std::all_of(needed.begin(), needed.end(), [&](auto key) { return flags.given(key); })) {
    std::vector<std::string> names;
    for (const std::string_view key : needed) names.push_back(fmt::format("--{}", key));
    throw UsageError(fmt::format("{} does not say what it was trained with; give {}",
                                 checkpoint.path.string(), fmt::join(names, " and ")));
  }
  train::Recipe recipe = flags.apply(base);
  recipe.check();
  return recipe;
}

bool is_pruned(const nn::Module& model) {
  const auto layers = model.contractions();
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& layer) { return layer->plan()[Pass::ff].weight.skips(); });
}

std::string weights_text(bool pruned, const train::Recipe& recipe, const train::Checkpoint& checkpoint) {
  std::string text = pruned ? fmt::format("weights pruned to {} by {}", recipe.nm, recipe.method)
                            : std::string("dense weights");
  if (!checkpoint.info) return text;
  const train::Recipe trained = train::parse_recipe(checkpoint.info->recipe, checkpoint.path.string());
  const std::string before = pruning(trained.method, trained.nm);
  return text + (before == pruning(recipe.method, recipe.nm) ? ", as trained" : ", trained as " + before);
}

}  // namespace satsuma::tools
