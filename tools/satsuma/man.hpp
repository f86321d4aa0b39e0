#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma man`, which prints the manual page satsuma(1).
void add_man(const Command& program);

}  // namespace satsuma::tools
