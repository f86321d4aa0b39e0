#include "satsuma/device/registry.hpp"

#include <map>
#include <mutex>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma {

std::shared_ptr<Device> find_device(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string_view, std::shared_ptr<Device>> instances;
  std::vector<std::string_view> known;
  for (const DeviceEntry& entry : device_entries()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    const std::lock_guard lock(mutex);
    std::shared_ptr<Device>& instance = instances[entry.name];
    if (!instance) instance = entry.create();
    return instance;
  }
  throw UsageError(unknown_name("device", name, known));
}

}  // namespace satsuma
