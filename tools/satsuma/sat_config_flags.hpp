#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "satsuma/sat/config.hpp"
#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// --config and --set, for the subcommands that take an accelerator.
class SatConfigFlags {
 public:
  void add_to(const Command& command);

  /// The values of the file, one that comes with Satsuma where only its name is given, and then those that
  /// were typed. Throws UsageError, IoError and FormatError as sat::override_config() and sat::read_config()
  /// do.
  sat::Config read() const;
  /// Whether `key` was typed, or a file speaks for all of them.
  bool says(std::string_view key) const;

 private:
  std::string file_;
  std::vector<std::string> values_;
};

}  // namespace satsuma::tools
