#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/setting.hpp"
#include "src/core/toml_text.hpp"

/// Settings in TOML files.
namespace satsuma {

/// A TOML value, of a list one element, as it would be typed at the command line, so that both are checked by
/// the same code. Throws FormatError where its type is another.
template <typename Owner>
std::string typed_form(std::string_view source, const Setting<Owner>& setting, const toml::node& node) {
  const bool is_text = setting.kind() == SettingKind::text || setting.is_list();
  if (is_text || setting.is_optional()) {
    if (const auto* const text = node.as_string()) return text->get();
  }
  if (setting.is_switch()) {
    if (const auto* const value = node.as_boolean()) return value->get() ? "true" : "false";
  }
  if (setting.is_number()) {
    if (const auto* const whole = node.as_integer()) return fmt::format("{}", whole->get());
  }
  if (setting.kind() == SettingKind::number) {
    if (const auto* const real = node.as_floating_point()) return fmt::format("{}", real->get());
  }
  refuse(source, node,
         fmt::format("'{}' got {}, expected {}", setting.key, type_name(node),
                     setting.is_list() ? "a string" : setting.allowed()));
}

/// Sets what `field`, a Setting with a function `set`, names to what the file says. Throws FormatError naming
/// source and line.
template <typename Field, typename Owner>
void set_from_toml(std::string_view source, const Field& field, const toml::node& node, Owner& owner) {
  try {
    if (!field.is_list()) {
      field.set(owner, typed_form(source, field, node));
      return;
    }
    const toml::array* const list = node.as_array();
    if (list == nullptr) {
      refuse(source, node,
             fmt::format("'{}' got {}, expected {}", field.key, type_name(node), field.allowed()));
    }
    field.clear(owner);
    for (const toml::node& element : *list) field.set(owner, typed_form(source, field, element));
  } catch (const UsageError& error) {
    refuse(source, node, error.what());
  }
}

/// The value as TOML writes it; empty for an optional number that is not given.
template <typename Owner>
std::string toml_value(const Setting<Owner>& setting, const Owner& owner) {
  if (setting.is_list()) {
    std::vector<std::string> elements;
    for (const std::string& element : owner.*std::get<std::vector<std::string> Owner::*>(setting.member)) {
      elements.push_back(quoted(element));
    }
    return fmt::format("[{}]", fmt::join(elements, ", "));
  }
  const std::string text = setting.text(owner);
  if (setting.is_optional() && text == setting.absent) return "";
  return setting.kind() == SettingKind::text ? quoted(text) : text;
}

}  // namespace satsuma
