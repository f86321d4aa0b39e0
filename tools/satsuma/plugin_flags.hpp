#pragma once

#include <string>
#include <vector>

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// --plugin, for the subcommands that take a device.
class PluginFlags {
 public:
  /// `group` is the heading that it stands under in --help.
  void add_to(const Command& command, const std::string& group = "Options");

  /// Loads what SATSUMA_PLUGIN_PATH names, where a bad one is a line on standard error, and then what was
  /// typed. Throws UsageError when that is bad.
  void load() const;
  /// The same for a list of devices: nothing is thrown or written, plugins() has the problems.
  void try_load() const;

 private:
  std::vector<std::string> files_;
};

}  // namespace satsuma::tools
