#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma compare`.
void add_compare(const Command& program);

}  // namespace satsuma::tools
