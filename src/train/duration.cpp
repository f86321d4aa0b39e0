#include "src/train/duration.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

double parse_duration(std::string_view option, std::string_view text) {
  constexpr std::pair<char, double> kUnits[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
  double seconds = 0;
  const auto* unit = std::begin(kUnits);
  std::string_view rest = text;
  while (!rest.empty()) {
    double number = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
    if (error != std::errc{} || rest.empty() || !(number >= 0 && number <= 1e9)) break;
    // Larger units come first, each once.
    while (unit != std::end(kUnits) && unit->first != rest.front()) ++unit;
    if (unit == std::end(kUnits)) break;
    seconds += number * unit->second;
    ++unit;
    rest.remove_prefix(1);
    if (rest.empty()) return seconds;
  }
  throw UsageError(fmt::format("{} got '{}', expected a time such as 2h, 90m, 1h30m or 45s", option, text));
}

}  // namespace satsuma::train
