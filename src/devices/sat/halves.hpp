#pragma once

#include <cstdint>

#include "src/devices/sat/commands.hpp"

namespace satsuma::sat::driver {

/// to[i] = from[i] as FP16: nearest even, with subnormals and infinities; NaN as core/half.hpp makes it, on
/// every instruction set.
void to_halves(const float* from, std::int64_t count, std::uint16_t* to);

/// Zeros in the lanes of `halves` that hold no image.
void clear_lanes(const LoadHalves& command, std::uint16_t* halves);

/// to[i] = from[i], exactly. Returns whether all are finite.
bool to_floats(const std::uint16_t* from, std::int64_t count, float* to);

}  // namespace satsuma::sat::driver
