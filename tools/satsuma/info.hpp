#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma info`.
void add_info(const Command& program);

}  // namespace satsuma::tools
