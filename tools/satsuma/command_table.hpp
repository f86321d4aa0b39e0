#pragma once

#include <string>
#include <vector>

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// An option or a positional argument as `--help` lists it.
struct OptionRow {
  std::vector<std::string> names;  ///< `-o`, `--out`; of a positional argument its name alone
  std::string description;
  std::string group;                    ///< heading
  std::string value;                    ///< type of its value; empty for a flag
  std::string default_value;            ///< empty where there is none
  std::vector<std::string> words = {};  ///< values that are known by name; empty: anything
  bool positional = false;
};

/// A subcommand, or the program itself.
struct CommandRow {
  std::string path;  ///< `satsuma bench step`
  std::string name;  ///< `step`
  std::string summary;
  std::string footer;
  std::vector<OptionRow> options;
  std::vector<CommandRow> subcommands;
};

/// All that `--help` of `program` and of its subcommands say, for what is made of it: manual page and
/// completion.
CommandRow command_table(const Command& program);

/// `row` and all that is below it, in the order of help.
std::vector<const CommandRow*> all_commands(const CommandRow& row);

}  // namespace satsuma::tools
