#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <type_traits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/setting.hpp"

/// The functions of Setting, for the one file of each `Owner` that instantiates them.
namespace satsuma {

namespace setting {

template <typename T>
struct Content {
  using type = T;
};
template <typename T>
struct Content<std::optional<T>> {
  using type = T;
};

/// What a value of type T holds: the number of an optional one.
template <typename T>
using content_t = typename Content<T>::type;

/// Calls `visitor` with the value of `owner` that `setting` names.
template <typename Owner, typename AnyOwner, typename Visitor>
decltype(auto) visit_value(const Setting<Owner>& setting, AnyOwner& owner, Visitor visitor) {
  return std::visit([&](auto pointer) -> decltype(auto) { return visitor(owner.*pointer); }, setting.member);
}

inline bool is_printable(std::string_view text, double least, double most) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  const auto length = static_cast<double>(text.size());
  return length >= least && length <= most;
}

}  // namespace setting

template <typename Owner>
SettingKind Setting<Owner>::kind() const {
  return std::visit(
      []<typename T>(T Owner::*) {
        using Value = setting::content_t<T>;
        if constexpr (std::is_same_v<Value, std::string>) return SettingKind::text;
        if constexpr (std::is_same_v<Value, double>) return SettingKind::number;
        if constexpr (std::is_same_v<Value, std::int64_t>) return SettingKind::whole_number;
        if constexpr (std::is_same_v<Value, bool>) return SettingKind::yes_or_no;
        return SettingKind::list;
      },
      member);
}

template <typename Owner>
std::string Setting<Owner>::allowed() const {
  switch (kind()) {
    case SettingKind::text:
      if (most == std::numeric_limits<double>::infinity()) return "a string";
      return fmt::format("a text of {} to {} printable characters", least, most);
    case SettingKind::yes_or_no:
      return "true or false";
    case SettingKind::list:
      return "a list of strings";
    case SettingKind::number:
    case SettingKind::whole_number:
      break;
  }
  const std::string_view whole = kind() == SettingKind::whole_number ? "whole " : "";
  return fmt::format("a {}number from {} to {}{}{}", whole, least, most, is_optional() ? ", or " : "",
                     absent);
}

template <typename Owner>
std::string Setting<Owner>::text(const Owner& owner) const {
  return setting::visit_value(*this, owner, [&]<typename T>(const T& value) -> std::string {
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      return fmt::format("{}", fmt::join(value, " "));
    } else if constexpr (std::is_same_v<T, setting::content_t<T>>) {
      return fmt::format("{}", value);
    } else {
      return value ? fmt::format("{}", *value) : std::string(absent);
    }
  });
}

template <typename Owner>
void Setting<Owner>::read(Owner& owner, std::string_view typed, std::string_view shown) const {
  const auto require = [&](bool fits) {
    if (!fits) throw UsageError(fmt::format("{} got '{}', expected {}", shown, typed, allowed()));
  };
  setting::visit_value(*this, owner, [&]<typename T>(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      require(most == std::numeric_limits<double>::infinity() || setting::is_printable(typed, least, most));
      value = std::string(typed);
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      value.emplace_back(typed);
    } else if constexpr (std::is_same_v<T, bool>) {
      require(typed == "true" || typed == "false");
      value = typed == "true";
    } else {
      if (is_optional() && typed == absent) {
        clear(owner);
        return;
      }
      setting::content_t<T> number{};
      const char* const end = typed.data() + typed.size();
      const auto [stop, error] = std::from_chars(typed.data(), end, number);
      // The comparison is written so that NaN fails.
      const bool inside = static_cast<double>(number) >= least && static_cast<double>(number) <= most;
      require(error == std::errc{} && stop == end && inside);
      value = number;
    }
  });
}

template <typename Owner>
void Setting<Owner>::clear(Owner& owner) const {
  setting::visit_value(*this, owner, []<typename T>(T& value) {
    if constexpr (std::is_same_v<T, std::vector<std::string>>) value.clear();
    if constexpr (!std::is_same_v<T, setting::content_t<T>>) value.reset();
  });
}

}  // namespace satsuma
