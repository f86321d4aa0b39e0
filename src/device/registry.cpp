#include "satsuma/device/registry.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma {

namespace {

/// Never destroyed: what a plug-in has must not be touched once its shared object's destructors have run.
struct Registry {
  std::recursive_mutex mutex;  // making a device may look for others
  std::vector<AddedDevice> added;
  std::map<std::string, std::shared_ptr<Device>, std::less<>> instances;
};

Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

/// How to make a device; empty where there is none of that name.
std::function<std::shared_ptr<Device>()> maker(std::string_view name) {
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == name) return entry.create;
  }
  for (const AddedDevice& device : registry().added) {
    if (device.name == name) return device.create;
  }
  return {};
}

}  // namespace

void add_device(AddedDevice device) {
  const std::lock_guard lock(registry().mutex);
  if (maker(device.name)) throw UsageError("there is a device '" + device.name + "' already");
  registry().added.push_back(std::move(device));
}

std::vector<AddedDevice> added_devices() {
  const std::lock_guard lock(registry().mutex);
  return registry().added;
}

void drop_added_devices() {
  const std::lock_guard lock(registry().mutex);
  for (const AddedDevice& device : registry().added) registry().instances.erase(device.name);
  registry().added.clear();
}

std::shared_ptr<Device> find_device(std::string_view name) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().instances.find(name);
  if (found != registry().instances.end()) return found->second;
  if (const auto make = maker(name)) return registry().instances[std::string(name)] = make();
  std::vector<std::string_view> known;
  for (const DeviceEntry& entry : device_entries()) known.push_back(entry.name);
  for (const AddedDevice& device : registry().added) known.push_back(device.name);
  throw UsageError(unknown_name("device", name, known) + "; others come from --plugin FILE");
}

}  // namespace satsuma
