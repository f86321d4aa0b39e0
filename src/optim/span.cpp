#include "satsuma/optim/span.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "satsuma/core/error.hpp"

namespace satsuma::optim {

namespace {

constexpr std::string_view kEpochs = "ep";
constexpr double kLongest = 1e12;

}  // namespace

Span Span::parse(std::string_view option, std::string_view text) {
  Span span;
  std::string_view number = text;
  if (number.ends_with(kEpochs)) {
    span.unit = Unit::epochs;
    number.remove_suffix(kEpochs.size());
  }
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, span.value);
  const bool is_number = error == std::errc{} && stop == end && span.value >= 0 && span.value <= kLongest;
  if (span.unit != Unit::epochs && span.value > 1) span.unit = Unit::steps;
  // Half a step is a typing error, half an epoch is not.
  if (!is_number || (span.unit == Unit::steps && span.value != std::floor(span.value))) {
    throw UsageError(fmt::format(
        "{} got '{}', expected steps (500), epochs (5ep) or a share of all steps (0.2)", option, text));
  }
  return span;
}

std::vector<Span> Span::parse_list(std::string_view option, std::string_view text) {
  std::vector<Span> spans;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    spans.push_back(parse(option, text.substr(begin, end - begin)));
    begin = end + 1;
    if (spans.size() < 2) continue;
    const Span &before = spans[spans.size() - 2], &last = spans.back();
    if (before.unit == last.unit && !(last.value > before.value)) {
      throw UsageError(fmt::format("{} got '{}', expected values that rise", option, text));
    }
  }
  return spans;
}

double Span::steps(std::int64_t total_steps, std::int64_t steps_per_epoch) const {
  switch (unit) {
    case Unit::steps:
      return value;
    case Unit::epochs:
      return value * static_cast<double>(steps_per_epoch);
    case Unit::share:
      break;
  }
  return value * static_cast<double>(total_steps);
}

}  // namespace satsuma::optim
