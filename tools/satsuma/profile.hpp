#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma profile`.
void add_profile(const Command& program);

}  // namespace satsuma::tools
