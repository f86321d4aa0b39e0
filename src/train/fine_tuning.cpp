#include "satsuma/train/fine_tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/train/layer_match.hpp"

namespace satsuma::train {

namespace {

/// `layer1`, `layer1.0`, and so on to the whole name.
std::vector<std::string_view> names_around(std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
    names.push_back(name.substr(0, dot));
  names.push_back(name);
  return names;
}

bool matches_any(std::string_view expression, const std::vector<nn::Parameter>& parameters) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const auto& parameter) { return matches_parameter(expression, parameter.name); });
}

/// Throws UsageError where `pattern`, part of what was typed for `option`, matches nothing.
void require_one(std::string_view option, std::string_view pattern,
                 const std::vector<nn::Parameter>& parameters) {
  if (matches_any(pattern, parameters)) return;
  std::vector<std::string_view> all, parts;
  for (const nn::Parameter& parameter : parameters) {
    const std::vector<std::string_view> names = names_around(parameter.name);
    all.insert(all.end(), names.begin(), names.end());
    if (std::find(parts.begin(), parts.end(), names.front()) == parts.end()) parts.push_back(names.front());
  }
  const std::string_view nearest = nearest_name(pattern.substr(0, pattern.find_last_not_of(".*") + 1), all);
  throw UsageError(fmt::format(
      "{}: '{}' matches no layer and no parameter; {}the model consists of {}", option, pattern,
      nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest), fmt::join(parts, ", ")));
}

void require_all(std::string_view option, std::string_view expression,
                 const std::vector<nn::Parameter>& parameters) {
  for (std::size_t bar = 0; bar != std::string_view::npos; expression.remove_prefix(bar + 1)) {
    bar = expression.find('|');
    require_one(option, expression.substr(0, bar), parameters);
    if (bar == std::string_view::npos) return;
  }
}

/// Number of a block, from 0, of a parameter `blocks.3.norm1.weight`; -1 for others.
int block_of(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  int index = -1;
  if (name.starts_with(kBlocks))
    std::from_chars(name.data() + kBlocks.size(), name.data() + name.size(), index);
  return index;
}

/// Layers between a parameter and the head, for layer-wise decay.
int distance_of(std::string_view name, int blocks) {
  if (const int block = block_of(name); block >= 0) return blocks - block;
  if (name.starts_with("norm.")) return 1;
  if (name.starts_with("head.")) return 0;
  return blocks + 1;
}

}  // namespace

bool matches_parameter(std::string_view expression, const std::string& name) {
  const std::vector<std::string_view> names = names_around(name);
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view part) { return matches(expression, std::string(part)); });
}

void freeze(nn::Module& model, std::string_view expression) {
  const std::vector<nn::Parameter> parameters = model.parameters();
  require_all("--freeze", expression, parameters);
  const bool left = std::any_of(parameters.begin(), parameters.end(), [&](const auto& parameter) {
    return !matches_parameter(expression, parameter.name);
  });
  if (!left) throw UsageError(fmt::format("--freeze '{}' leaves nothing to train", expression));
  model.freeze([&](const std::string& name) { return matches_parameter(expression, name); });
}

LayerRate LayerRate::parse(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  const std::string_view number = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  double factor = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), factor);
  const bool whole = error == std::errc{} && end == number.data() + number.size();
  if (!whole || equals == 0 || !(factor > 0 && factor <= 1e6)) {
    throw UsageError(fmt::format(
        "--lr-for got '{}', expected LAYERS=FACTOR with a factor above 0 and up to 1e6, for example "
        "'fc=10'; --freeze keeps layers as they are",
        text));
  }
  return {std::string(text.substr(0, equals)), factor};
}

std::vector<double> lr_factors(const std::vector<nn::Parameter>& parameters,
                               const std::vector<LayerRate>& rates, double layer_decay) {
  for (const LayerRate& rate : rates)
    require_all(fmt::format("--lr-for '{}={}'", rate.layers, rate.factor), rate.layers, parameters);
  int blocks = 0;
  for (const nn::Parameter& parameter : parameters) blocks = std::max(blocks, block_of(parameter.name) + 1);
  if (layer_decay != 1 && blocks == 0) {
    throw UsageError(
        fmt::format("--layer-decay got {} for a model without transformer blocks, expected 1; --lr-for sets "
                    "rates by layer",
                    layer_decay));
  }
  std::vector<double> factors;
  for (const nn::Parameter& parameter : parameters) {
    double factor = layer_decay == 1 ? 1 : std::pow(layer_decay, distance_of(parameter.name, blocks));
    for (const LayerRate& rate : rates) {
      if (matches_parameter(rate.layers, parameter.name)) factor *= rate.factor;
    }
    factors.push_back(factor);
  }
  return factors;
}

}  // namespace satsuma::train
