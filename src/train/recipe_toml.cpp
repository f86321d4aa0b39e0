#include <fmt/format.h>

#include "satsuma/core/error.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/toml_text.hpp"

namespace satsuma::train {

namespace {

[[noreturn]] void refuse_type(std::string_view source, const RecipeField& field, const toml::node& node,
                              std::string_view expected) {
  refuse(source, node, fmt::format("'{}' got {}, expected {}", field.key, type_name(node), expected));
}

/// A TOML value as it would be typed at the command line, so that both are checked by the same code.
std::string typed_form(std::string_view source, const RecipeField& field, const toml::node& node,
                       const Recipe& recipe) {
  if (const auto* word = node.as_string(); word && field.is_optional()) return word->get();
  return std::visit(
      [&](auto pointer) -> std::string {
        using Value = std::remove_cvref_t<decltype(recipe.*pointer)>;
        if constexpr (std::is_same_v<Value, bool>) {
          if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
          refuse_type(source, field, node, "true or false");
        } else if constexpr (std::is_same_v<Value, std::string> ||
                             std::is_same_v<Value, std::vector<std::string>>) {
          if (const auto* value = node.as_string()) return value->get();
          refuse_type(source, field, node, "a string");
        } else if constexpr (std::is_same_v<Value, std::int64_t> ||
                             std::is_same_v<Value, std::optional<std::int64_t>>) {
          if (const auto* value = node.as_integer()) return fmt::format("{}", value->get());
          refuse_type(source, field, node, "a whole number");
        } else {
          if (const auto* value = node.as_integer()) return fmt::format("{}", value->get());
          if (const auto* value = node.as_floating_point()) return fmt::format("{}", value->get());
          refuse_type(source, field, node, "a number");
        }
      },
      field.member);
}

/// Version 0.1 wrote 0 for a number that was not given; its runs and checkpoints are still continued.
bool says_none_as_before(const RecipeField& field, const toml::node& node) {
  const toml::value<std::int64_t>* const value = node.as_integer();
  return value != nullptr && value->get() == 0 && field.is_optional() && field.least > 0;
}

void set_from(std::string_view source, const RecipeField& field, const toml::node& node, Recipe& recipe) {
  try {
    if (says_none_as_before(field, node)) {
      field.clear(recipe);
      return;
    }
    if (!field.is_list()) {
      field.set(recipe, typed_form(source, field, node, recipe));
      return;
    }
    const toml::array* const list = node.as_array();
    if (list == nullptr) refuse_type(source, field, node, "a list of strings");
    field.clear(recipe);
    for (const toml::node& element : *list) field.set(recipe, typed_form(source, field, element, recipe));
  } catch (const UsageError& error) {
    refuse(source, node, error.what());
  }
}

const RecipeField& field_of(std::string_view source, const toml::key& key, const toml::node& node) {
  try {
    return find_recipe_field(key.str());
  } catch (const UsageError& error) {
    refuse(source, node, error.what());
  }
}

std::string toml_value(const RecipeField& field, const Recipe& recipe) {
  return std::visit(
      [&](auto pointer) -> std::string {
        const auto& value = recipe.*pointer;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          return quoted(value);
        } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
          std::vector<std::string> elements;
          for (const std::string& element : value) elements.push_back(quoted(element));
          return fmt::format("[{}]", fmt::join(elements, ", "));
        } else if constexpr (std::is_same_v<Value, std::optional<double>> ||
                             std::is_same_v<Value, std::optional<std::int64_t>>) {
          return value ? field.text(recipe) : "";
        } else {
          return field.text(recipe);
        }
      },
      field.member);
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
    const std::string value = toml_value(field, recipe);
    if (!value.empty()) text += fmt::format("{} = {}\n", field.key, value);
  }
  return text;
}

}  // namespace satsuma::train
