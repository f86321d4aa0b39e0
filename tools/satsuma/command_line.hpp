#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// The command line: what all commands share, who was named, and what it says to wrong use.
class CommandLine {
 public:
  /// Version and help; commands are added to program().
  CommandLine(const std::string& name, const std::string& summary);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command program() { return {*app_, action_}; }

  /// Runs the command that the arguments name; the exit status. Prints help or the version where they are
  /// asked for. Throws UsageError on wrong use; an unknown option or command is answered with the nearest one
  /// that exists.
  int run(int argc, char** argv);

 private:
  bool parse(int argc, char** argv);

  std::unique_ptr<CLI::App> app_;
  std::function<int()> action_;
};

}  // namespace satsuma::tools
