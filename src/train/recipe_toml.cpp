#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/setting_toml.hpp"

namespace satsuma::train {

namespace {

/// Version 0.1 wrote 0 for a number that was not given; its runs and checkpoints are still continued.
bool says_none_as_before(const RecipeField& field, const toml::node& node) {
  const toml::value<std::int64_t>* const value = node.as_integer();
  return value != nullptr && value->get() == 0 && field.is_optional() && field.least > 0;
}

void set_from(std::string_view source, const RecipeField& field, const toml::node& node, Recipe& recipe) {
  if (says_none_as_before(field, node)) {
    field.clear(recipe);
  } else if (field.traits.takes_number && node.is_number()) {
    const double number = node.value<double>().value();
    set_from_toml(source, field, toml::value<std::string>(fmt::format("{}", number)), recipe);
  } else {
    set_from_toml(source, field, node, recipe);
  }
}

const RecipeField& field_of(std::string_view source, const toml::key& key, const toml::node& node) {
  try {
    return find_recipe_field(key.str());
  } catch (const UsageError& error) {
    refuse(source, node, error.what());
  }
}

}  // namespace

Recipe parse_recipe(std::string_view text, std::string_view source, const Recipe& base) {
  const toml::table table = parse_toml(text, source);
  Recipe recipe = base;
  for (const auto& [key, node] : table) set_from(source, field_of(source, key, node), node, recipe);
  try {
    recipe.check();
  } catch (const UsageError& error) {
    throw FormatError(fmt::format("{}: {}", source, error.what()));
  }
  return recipe;
}

Recipe read_recipe(const std::filesystem::path& path, const Recipe& base) {
  return parse_recipe(read_text(path.string(), "recipe"), path.string(), base);
}

std::string to_toml(const Recipe& recipe) {
  std::string text = "# Repeat this run with: satsuma train --config THIS_FILE --out ANOTHER_DIRECTORY\n";
  std::string_view group;
  for (const RecipeField& field : recipe_fields()) {
    if (field.group != group) text += fmt::format("\n# {}\n", field.group);
    group = field.group;
    const std::string value = toml_value<Recipe>(field, recipe);
    if (!value.empty()) text += fmt::format("{} = {}\n", field.key, value);
  }
  return text;
}

}  // namespace satsuma::train
