#include "tools/satsuma/plugin_flags.hpp"

#include <fmt/core.h>

#include <cstdlib>

#include "satsuma/core/error.hpp"
#include "satsuma/device/plugins.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {

void load_environment() {
  // Not for a program with rights that its user lacks.
  if (const char* const list = secure_getenv("SATSUMA_PLUGIN_PATH")) load_plugin_path(list);
}

}  // namespace

void PluginFlags::add_to(const Command& command, const std::string& group) {
  command
      .add_option(
          "--plugin", files_,
          "a shared object with a device (docs/backends.md); may be repeated; SATSUMA_PLUGIN_PATH has more")
      .type_name("FILE")
      .repeatable()
      .group(group);
}

void PluginFlags::load() const {
  load_environment();
  for (const Plugin& plugin : plugins()) {
    if (!plugin.problem.empty()) say("warning: {}", plugin.problem);
  }
  for (const std::string& file : files_) load_plugin(file);
}

void PluginFlags::try_load() const {
  load_environment();
  for (const std::string& file : files_) {
    try {
      load_plugin(file);
    } catch (const UsageError&) {
      // plugins() has it.
    }
  }
}

}  // namespace satsuma::tools
