#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "satsuma/device/device.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::tools::compare {

/// A pass of a layer on one device, beside the same pass on the first.
struct DevicePass {
  std::string layer;
  Pass pass = Pass::ff;
  std::string device;  ///< that was asked for
  std::string ran_on;  ///< after fallback
  double error = 0;    ///< largest difference over the largest magnitude of the first device's result
  double seconds = 0;  ///< of the second call; the first may build what it keeps
  std::int64_t macs = 0;
  std::int64_t bytes = 0;   ///< to the device and from it
  std::int64_t cycles = 0;  ///< 0 where the device knows none
  double joules = 0;        ///< likewise
};

/// What each of `devices` makes of every layer of the recipe's model: the same weights, the same input and
/// gradient of noise, the recipe's batch and method, every pass. Products are made of each device's own
/// operands under `precision = auto`. Throws UsageError on an unknown device.
std::vector<DevicePass> compare_devices(const train::Recipe& recipe, const std::vector<std::string>& devices);

void print(const std::vector<DevicePass>& passes);
Json to_json(const std::vector<DevicePass>& passes);

}  // namespace satsuma::tools::compare
