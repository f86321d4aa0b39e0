#pragma once

#include "src/devices/sat/emulator/dram.hpp"

namespace satsuma::sat::driver {

/// The sparse online reduction engine: the N of each M FP32 weights with the largest magnitudes, ties to the
/// lower index, written as FP32 and FP16 with their indices.
void reduce(const Dram& dram, const Reduce& command);

}  // namespace satsuma::sat::driver
