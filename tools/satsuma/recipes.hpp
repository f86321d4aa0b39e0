#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma recipes`.
void add_recipes(const Command& program);

}  // namespace satsuma::tools
