#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma data`, with `pack` and `check`. A callback leaves in `run` what does the work and returns
/// the exit code.
void add_data(const Command& program);

}  // namespace satsuma::tools
