#pragma once

#include <string_view>

namespace satsuma::train {

/// Seconds of `2h`, `90m`, `1h30m`, `45s` or `1d`. Throws UsageError: `option`, what was typed, what is
/// expected.
double parse_duration(std::string_view option, std::string_view text);

}  // namespace satsuma::train
