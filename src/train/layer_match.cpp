#include "satsuma/train/layer_match.hpp"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::train {

bool matches(std::string_view expression, const std::string& layer) {
  for (;;) {
    const std::size_t bar = expression.find('|');
    if (fnmatch(std::string(expression.substr(0, bar)).c_str(), layer.c_str(), 0) == 0) return true;
    if (bar == std::string_view::npos) return false;
    expression.remove_prefix(bar + 1);
  }
}

void require_match(std::string_view option, std::string_view expression,
                   std::span<const std::shared_ptr<Contraction>> layers) {
  if (std::any_of(layers.begin(), layers.end(),
                  [&](const auto& layer) { return matches(expression, layer->name()); })) {
    return;
  }
  std::vector<std::string_view> names;
  for (const auto& layer : layers) names.push_back(layer->name());
  throw UsageError(fmt::format("{} matches no layer: {}", option, unknown_name("layer", expression, names)));
}

LayerPattern LayerPattern::parse(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError(fmt::format("--nm-for got '{}', expected LAYERS=N:M, for example 'layer4.*=1:8'", text));
  }
  return {std::string(text.substr(0, equals)), Pattern::parse(text.substr(equals + 1))};
}

}  // namespace satsuma::train
