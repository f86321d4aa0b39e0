#include "satsuma/train/duration.hpp"

#include <fmt/core.h>

#include <charconv>
#include <string_view>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

/// 0 for no unit of time.
double unit_seconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

}  // namespace

double parse_duration(std::string_view option, std::string_view text) {
  const auto fail = [&] {
    throw UsageError(fmt::format("{} got '{}', expected a time such as 90s, 15m, 2h or 1h30m", option, text));
  };
  double seconds = 0;
  double last_unit = unit_seconds('d') + 1;
  if (text.empty()) fail();
  for (const char* at = text.data(); at != text.data() + text.size();) {
    const char* const end = text.data() + text.size();
    double number = 0;
    const auto [stop, error] = std::from_chars(at, end, number, std::chars_format::fixed);
    if (error != std::errc{} || !(number >= 0) || number > 1e9) fail();
    const double unit = stop == end ? 1 : unit_seconds(*stop);
    // Units come from the largest to the smallest, each once.
    if (unit == 0 || unit >= last_unit) fail();
    seconds += number * unit;
    last_unit = unit;
    at = stop == end ? end : stop + 1;
  }
  // Clocks count nanoseconds in 64 bits.
  if (constexpr double kDays = 36500; seconds > kDays * unit_seconds('d'))
    throw UsageError(fmt::format("{} got '{}', expected no more than {}d", option, text, kDays));
  return seconds;
}

}  // namespace satsuma::train
