#pragma once

#include <string_view>

namespace satsuma::train {

/// Seconds of `90s`, `15m`, `2h`, `1h30m` or `1d`; a number without a unit is seconds. Throws UsageError:
/// `option` (as the user knows it), what was typed, what is expected.
double parse_duration(std::string_view option, std::string_view text);

}  // namespace satsuma::train
