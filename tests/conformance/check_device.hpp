#pragma once

#include <cstdint>

#include "satsuma/device/device.hpp"

namespace satsuma::testing {

/// Holds everything that a device does against `reference`, over a table of geometries, patterns and batch
/// sizes and ragged ones drawn from `seed`: the three passes, dense and packed (with its own packed weights
/// and with ones it has never seen), compression bit for bit, the optimiser step with pre-generation, padding
/// lanes, and the counters of operations. Findings are reported as failures of the doctest case at hand.
/// Requests that the device refuses are left out; at least one request of every pass has to be accepted.
///
/// Tolerance: an element that sums L products of numbers in [-1, 1] in the dtype's precision errs by at most
/// about L * epsilon * |largest partial sum|, typically sqrt(L / 9) / sqrt(L) of that; L + 8 units of epsilon
/// are granted.
void check_device(Device& device, Device& reference, std::uint64_t seed);

}  // namespace satsuma::testing
