#pragma once

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// What all subcommands share: version, help, one subcommand at a time. To be called before they are added.
void set_up(CLI::App& app);

/// Parses the arguments; false when help or the version was asked for, which is printed then. Throws
/// UsageError on wrong use; an unknown option or subcommand is answered with the nearest one that exists.
bool parse(CLI::App& app, int argc, char** argv);

}  // namespace satsuma::tools
