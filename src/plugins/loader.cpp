#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "satsuma/device/plugins.hpp"
#include "satsuma/device/registry.hpp"
#include "src/plugins/elf_file.hpp"
#include "src/plugins/plugin_device.hpp"
#include "src/plugins/probe.hpp"
#include "src/plugins/table.hpp"

namespace satsuma {

namespace {

namespace fs = std::filesystem;

constexpr char kEntry[] = "satsuma_plugin_entry";

/// Never destroyed: plug-ins stay until the program ends.
struct Loaded {
  std::mutex mutex;
  std::vector<Plugin> plugins;
};

Loaded& loaded() {
  static Loaded* const instance = new Loaded;
  return *instance;
}

[[noreturn]] void refuse(const fs::path& file, std::string why) {
  std::replace(why.begin(), why.end(), '\n', ' ');
  throw UsageError(fmt::format("plug-in {}: {}", file.string(), why));
}

/// dlerror() without the path that it begins with.
std::string last_error(const fs::path& file) {
  const char* const text = dlerror();
  std::string message = text ? text : "the system does not say why";
  const std::string prefix = file.string() + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

const satsuma_plugin* call_entry(const fs::path& file) {
  using Entry = const satsuma_plugin* (*)();
  try {
    void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) refuse(file, last_error(file));
    const auto entry = reinterpret_cast<Entry>(dlsym(library, kEntry));
    if (entry == nullptr) refuse(file, fmt::format("does not export {}; see satsuma/plugin.h", kEntry));
    return entry();
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& exception) {
    refuse(file, fmt::format("an exception left it while it was loaded: {}", exception.what()));
  } catch (...) {
    refuse(file, "an exception left it while it was loaded");
  }
}

/// A device that cannot be set up is wrong use: somebody has asked for it by name.
std::shared_ptr<Device> set_up(const satsuma_plugin& table, const fs::path& file) try {
  return std::make_shared<plugin_host::PluginDevice>(
      std::make_shared<plugin_host::Instance>(table, file.string()));
} catch (const DeviceError& error) {
  throw UsageError(error.what());
}

/// Fills in `plugin` as far as it comes.
void load(Plugin& plugin) {
  plugin_host::check_shared_object(plugin.file);
  plugin_host::probe(plugin.file);
  const satsuma_plugin table =
      plugin_host::checked_table(call_entry(plugin.file), fmt::format("plug-in {}", plugin.file.string()));
  plugin.name = table.name;
  plugin.version = table.version;
  const fs::path& file = plugin.file;
  for (const Plugin& other : loaded().plugins) {
    if (other.problem.empty() && other.name == plugin.name)
      refuse(file, fmt::format("a device '{}' was loaded from {} already", plugin.name, other.file.string()));
  }
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == plugin.name)
      refuse(file, fmt::format("a device '{}' is built in already", plugin.name));
  }
  add_device({plugin.name, fmt::format("plug-in {} from {}", plugin.version, file.string()),
              [table, file] { return set_up(table, file); }});
}

/// Throws what is wrong with it, again where it was looked at before.
void load_once(const fs::path& path) {
  std::error_code error;
  fs::path file = fs::canonical(path, error);
  if (error) file = fs::absolute(path);
  const std::lock_guard lock(loaded().mutex);
  auto& all = loaded().plugins;
  const auto same = std::find_if(all.begin(), all.end(), [&](const Plugin& p) { return p.file == file; });
  if (same != all.end()) {
    if (!same->problem.empty()) throw UsageError(same->problem);
    return;
  }
  Plugin plugin{.file = file, .name = {}, .version = {}, .problem = {}};
  try {
    load(plugin);
    all.push_back(plugin);
  } catch (const Error& problem) {
    plugin.problem = problem.what();
    all.push_back(plugin);
    throw;
  }
}

void note(const fs::path& file, std::string problem) {
  const std::lock_guard lock(loaded().mutex);
  loaded().plugins.push_back({.file = file, .name = {}, .version = {}, .problem = std::move(problem)});
}

/// The shared objects of a folder, or the file itself.
std::vector<fs::path> files_of(const fs::path& entry) {
  std::error_code error;
  if (!fs::is_directory(entry, error)) return {entry};
  std::vector<fs::path> files;
  for (fs::directory_iterator at(entry, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".so") files.push_back(at->path());
  }
  if (error) note(entry, fmt::format("plug-in folder {}: {}", entry.string(), error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

void load_plugin(const fs::path& file) {
  load_once(file);
}

void load_plugin_path(std::string_view list) {
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    if (entry.empty()) continue;
    if (entry[0] != '/') {
      note(std::string(entry),
           fmt::format("plug-in path {}: is relative, and not followed; give it from /", entry));
      continue;
    }
    for (const fs::path& file : files_of(std::string(entry))) {
      try {
        load_once(file);
      } catch (const Error&) {
        // plugins() has it.
      }
    }
  }
}

std::vector<Plugin> plugins() {
  const std::lock_guard lock(loaded().mutex);
  return loaded().plugins;
}

void close_plugins() {
  drop_added_devices();
}

}  // namespace satsuma
