#pragma once

#include "satsuma/device/device.hpp"

namespace satsuma::cpu {

/// The optimiser step and the packed weights behind it: Device::update.
///
/// A packed weight that comes in with the form that the N:M kernels made of it at an earlier step leaves with
/// that form renewed in place and without `values` and `indices`: one pass over the weights updates, selects
/// and writes what the kernels read. Any other gets the documented layout.
void update(const UpdateArgs& args);

}  // namespace satsuma::cpu
