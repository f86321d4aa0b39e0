#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "satsuma/device/device.hpp"

namespace satsuma {

/// `check:A,B`: runs `trusted`, whose results are used, and holds every call against `suspect`. The first
/// that differs is thrown as DeviceError that says what; layer and pass are named by the contraction, the
/// step by the trainer. A backend that is wrong only on real weights and activations is found by it (cf.
/// lc0's network_check).
///
/// Tolerance: L + 8 units of epsilon times the largest magnitudes of both operands, for sums of L products,
/// which bounds the rounding of any order of summation; packed weights have to be the same bits. It accepts
/// what both accept.
///
/// What it multiplies with, where memory lies and what is counted is the trusted device's. Its counters are
/// its own: it counts what `trusted` counts meanwhile.
std::shared_ptr<Device> make_check_device(std::shared_ptr<Device> trusted, std::shared_ptr<Device> suspect);

/// What such a device has compared since it was made, without a difference.
struct Comparison {
  std::int64_t layers = 0;
  std::int64_t passes = 0;  ///< of these layers: each of them counts up to three
  std::int64_t calls = 0;
};
/// Nothing where `device` is not one of make_check_device().
std::optional<Comparison> comparison_of(const Device& device);

}  // namespace satsuma
