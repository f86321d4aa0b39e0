#pragma once

#include <memory>

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
std::shared_ptr<Device> make_check_device(std::shared_ptr<Device> trusted, std::shared_ptr<Device> suspect);

}  // namespace satsuma
