#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma report`.
void add_report(const Command& program);

}  // namespace satsuma::tools
