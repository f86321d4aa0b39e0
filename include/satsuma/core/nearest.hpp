#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/error.hpp"

namespace satsuma {

/// The name among `known` that is nearest to what was typed, by edit distance; empty when none is near.
std::string_view nearest_name(std::string_view typed, const std::vector<std::string_view>& known);

/// One line for an unknown name: `unknown model 'resnet8'; did you mean 'resnet9'? known: resnet9, resnet18`.
/// The nearest name by edit distance is left out when nothing is near.
std::string unknown_name(std::string_view kind, std::string_view typed,
                         const std::vector<std::string_view>& known);

/// What an element of a table of words is called: the word itself, or `to_string()` of an enumerator.
struct OwnName {
  template <typename T>
  std::string_view operator()(const T& element) const {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      return element;
    } else {
      return to_string(element);
    }
  }
};

/// The element of `table` whose name is `typed`; `name` is a member, or a function of an element. Throws
/// UsageError with unknown_name(): all names, in the order of the table.
template <typename Table, typename Name = OwnName>
const auto& find_named(std::string_view kind, std::string_view typed, const Table& table, Name name = {}) {
  std::vector<std::string_view> known;
  for (const auto& element : table) {
    known.push_back(std::invoke(name, element));
    if (known.back() == typed) return element;
  }
  throw UsageError(unknown_name(kind, typed, known));
}

}  // namespace satsuma
