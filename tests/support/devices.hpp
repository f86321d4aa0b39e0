#pragma once

#include <string_view>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma::testing {

/// False where this build has the device `onednn` in name alone, without the library.
inline bool has_onednn() {
  try {
    find_device("onednn");
  } catch (const DeviceError& error) {
    if (std::string_view(error.what()).starts_with("this build has no oneDNN")) return false;
    throw;
  } catch (const UsageError&) {
    return false;
  }
  return true;
}

/// The built-in devices that every machine has. `opencl` needs a platform: tests/devices/opencl is skipped
/// where there is none.
inline std::vector<DeviceEntry> everywhere_devices() {
  std::vector<DeviceEntry> entries;
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name != "opencl" && (entry.name != "onednn" || has_onednn())) entries.push_back(entry);
  }
  return entries;
}

}  // namespace satsuma::testing
