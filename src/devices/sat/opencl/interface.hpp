#pragma once

#include "src/opencl/arguments.hpp"

namespace satsuma::sat::driver::kernel {

using opencl::Int;

#include "src/devices/sat/opencl/kernels/interface.h"

/// Changes whenever a kernel's arguments or what it does change.
inline constexpr Int kInterfaceVersion = 2;
/// Vectors that a work-group of a weight-stationary kernel takes.
inline constexpr Int kStream = 64;

}  // namespace satsuma::sat::driver::kernel
