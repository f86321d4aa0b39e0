#pragma once

#include <vector>

#include "satsuma/device/registry.hpp"

namespace satsuma::testing {

/// The built-in devices that every machine has. `opencl` needs a platform: tests/devices/opencl is skipped
/// where there is none.
inline std::vector<DeviceEntry> everywhere_devices() {
  std::vector<DeviceEntry> entries;
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name != "opencl") entries.push_back(entry);
  }
  return entries;
}

}  // namespace satsuma::testing
