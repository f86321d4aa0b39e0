#pragma once

#include <string>

#include "src/opencl/cl.hpp"
#include "src/opencl/platforms.hpp"

namespace satsuma::opencl {

/// Which device a user means.
struct Choice {
  std::string platform = {};  ///< part of its name, whatever the case; empty is any
  int index = 0;              ///< among the devices of all platforms that match
};

/// A device of the C API, and what it says about itself.
struct ChosenDevice {
  cl_platform_id platform = nullptr;
  cl_device_id id = nullptr;
  DeviceInfo info;
};

/// Throws DeviceError with what there is and what to do when there is no platform, none of that name, or no
/// device of that index.
ChosenDevice choose_device(const Choice& choice);

}  // namespace satsuma::opencl
