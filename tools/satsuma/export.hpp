#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma export`.
void add_export(const Command& program);

}  // namespace satsuma::tools
