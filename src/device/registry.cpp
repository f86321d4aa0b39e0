#include "satsuma/device/registry.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/device/check_device.hpp"

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

/// The device that `NAME:SETTINGS` stands for, where one of that name is built in.
std::shared_ptr<Device> make_configured(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return nullptr;
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name != text.substr(0, colon)) continue;
    if (entry.configure != nullptr) return entry.configure(text.substr(colon + 1));
    throw UsageError("device '" + std::string(entry.name) + "' has no settings, got '" + std::string(text) +
                     "'");
  }
  return nullptr;
}

constexpr std::string_view kCheck = "check:";

std::shared_ptr<Device> make(std::string_view name);

/// The device that `check:A,B` stands for.
std::shared_ptr<Device> make_check(std::string_view name) {
  const std::string_view both = name.substr(kCheck.size());
  const std::size_t comma = both.find(',');
  const std::string_view first = both.substr(0, comma);
  const std::string_view second = comma == std::string_view::npos ? "" : both.substr(comma + 1);
  if (first.empty() || second.empty() || first == second || first.starts_with(kCheck) ||
      second.starts_with(kCheck) || second.substr(0, second.find(':')).find(',') != std::string_view::npos) {
    throw UsageError(
        "device '" + std::string(name) +
        "' is no pair of devices; expected check:TRUSTED,SUSPECT, for example check:cpu,reference");
  }
  // Instances of its own, so that its calls are in nobody else's counters.
  return make_check_device(make(first), make(second));
}

/// A new instance of the device that `name` stands for.
std::shared_ptr<Device> make(std::string_view name) {
  if (name.starts_with(kCheck)) return make_check(name);
  if (auto configured = make_configured(name)) return configured;
  if (const auto make = maker(name)) return make();
  std::vector<std::string_view> known;
  for (const DeviceEntry& entry : device_entries()) known.push_back(entry.name);
  for (const AddedDevice& device : registry().added) known.push_back(device.name);
  throw UsageError(unknown_name("device", name, known) + "; others come from --plugin FILE");
}

}  // namespace

std::shared_ptr<Device> make_built_in(std::string_view name) {
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == name) return entry.create();
  }
  return nullptr;
}

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
  for (const AddedDevice& device : registry().added) {
    std::erase_if(registry().instances, [&](const auto& made) {
      return made.first == device.name || made.first.starts_with(kCheck);
    });
  }
  registry().added.clear();
}

std::shared_ptr<Device> find_device(std::string_view name) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().instances.find(name);
  if (found != registry().instances.end()) return found->second;
  std::shared_ptr<Device> made = make(name);
  return registry().instances[std::string(name)] = made;
}

}  // namespace satsuma
