#include "satsuma/core/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace satsuma {

namespace {

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest_name(std::string_view typed, const std::vector<std::string_view>& known) {
  std::string_view nearest;
  std::size_t best = std::max<std::size_t>(2, typed.size() / 2);
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(typed, name);
    if (distance < best || (distance == best && nearest.empty())) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string unknown_name(std::string_view kind, std::string_view typed,
                         const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_name(typed, known);
  const std::string hint = nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest);
  return fmt::format("unknown {} '{}'; {}known: {}", kind, typed, hint, fmt::join(known, ", "));
}

}  // namespace satsuma
