#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench`.
void add_bench(const Command& program);

}  // namespace satsuma::tools
