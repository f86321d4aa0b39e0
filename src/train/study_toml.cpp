#include <fmt/core.h>

#include <array>
#include <sstream>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/train/study.hpp"
#include "src/core/toml_text.hpp"

namespace satsuma::train {

namespace {

/// Settings of a recipe in a table of the file.
Recipe recipe_of(const toml::table& table, std::string_view source, const Recipe& base) {
  std::ostringstream text;
  text << table;
  return parse_recipe(text.str(), fmt::format("{}, line {}", source, table.source().begin.line), base);
}

/// A value as it would be typed.
std::string typed(std::string_view source, const toml::node& node) {
  if (const auto* const text = node.as_string()) return text->get();
  if (const auto* const whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* const real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* const value = node.as_boolean()) return value->get() ? "true" : "false";
  refuse(source, node, fmt::format("got {}, expected a text, a number, true or false", type_name(node)));
}

/// A list, or one value.
std::vector<std::string> typed_list(std::string_view source, const toml::node& node) {
  const toml::array* const list = node.as_array();
  if (list == nullptr) return {typed(source, node)};
  std::vector<std::string> values;
  for (const toml::node& element : *list) values.push_back(typed(source, element));
  if (values.empty()) refuse(source, node, "got an empty list, expected values");
  return values;
}

const toml::table& table_of(std::string_view source, std::string_view key, const toml::node& node) {
  const toml::table* const table = node.as_table();
  if (table == nullptr)
    refuse(source, node, fmt::format("'{}' got {}, expected a table", key, type_name(node)));
  return *table;
}

std::vector<Axis> axes_of(std::string_view source, const toml::table& table) {
  std::vector<Axis> axes;
  for (const auto& [key, node] : table) {
    try {
      find_recipe_field(key.str());
    } catch (const UsageError& error) {
      refuse(source, node, error.what());
    }
    axes.push_back({std::string(key.str()), typed_list(source, node)});
  }
  return axes;
}

std::pair<std::string, Recipe> variant_of(std::string_view source, toml::table table, const Recipe& base) {
  const auto name = table["name"].value<std::string>();
  if (!name || name->empty()) refuse(source, table, "a variant got no name, expected name = \"...\"");
  table.erase("name");
  return {*name, recipe_of(table, source, base)};
}

}  // namespace

StudyText read_study(const std::filesystem::path& path, StudyText text) {
  static constexpr std::array<std::string_view, 6> kKeys = {"methods", "nm",   "seeds",
                                                            "recipe",  "axes", "variant"};
  const std::string source = path.string();
  const toml::table table = parse_toml(read_text(source, "study"), source);
  // The other parts stand on it, wherever it is in the file.
  if (const toml::node* const recipe = table.get("recipe"))
    text.base = recipe_of(table_of(source, "recipe", *recipe), source, text.base);
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "recipe") continue;
    if (name == "methods") {
      text.methods = typed_list(source, node);
    } else if (name == "nm") {
      text.patterns = typed_list(source, node);
    } else if (name == "seeds") {
      text.seeds = typed_list(source, node);
    } else if (name == "axes") {
      text.axes = axes_of(source, table_of(source, name, node));
    } else if (name == "variant") {
      const toml::array* const list = node.as_array();
      if (list == nullptr || !list->is_homogeneous<toml::table>())
        refuse(source, node, "'variant' is no list of tables; write [[variant]]");
      for (const toml::node& each : *list)
        text.named.push_back(variant_of(source, *each.as_table(), text.base));
    } else {
      try {
        find_named("key of a study", name, kKeys);
      } catch (const UsageError& error) {
        refuse(source, node, error.what());
      }
    }
  }
  return text;
}

}  // namespace satsuma::train
