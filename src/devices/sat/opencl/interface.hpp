#pragma once

#include <cstdint>

/// What kernels are told, as the host writes it.
namespace satsuma::sat::driver::kernel {

using Int = std::int32_t;
using Float = float;
using Address = std::uint64_t;

#include "src/devices/sat/opencl/kernels/interface.h"

/// Changes whenever a kernel's arguments or what it does change.
inline constexpr Int kInterfaceVersion = 1;
/// Vectors that a work-group of a weight-stationary kernel takes.
inline constexpr Int kStream = 64;

}  // namespace satsuma::sat::driver::kernel
