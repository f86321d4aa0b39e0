#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma methods`.
void add_methods(const Command& program);

}  // namespace satsuma::tools
