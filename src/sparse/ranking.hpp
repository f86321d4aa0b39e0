#pragma once

#include <cstdint>
#include <vector>

namespace satsuma {

/// Positions of the `count` largest magnitudes, rising; of equal ones the lower position comes first. NaN
/// ranks above infinity, so that it is never silently pruned away.
std::vector<std::int64_t> kept_positions(const std::vector<double>& magnitudes, std::int64_t count);

}  // namespace satsuma
