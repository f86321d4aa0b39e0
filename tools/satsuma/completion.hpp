#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma completion SHELL`, which prints what makes a shell complete the command line.
void add_completion(const Command& program);

}  // namespace satsuma::tools
