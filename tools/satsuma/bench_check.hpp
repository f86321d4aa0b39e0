#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench check`.
void add_bench_check(const Command& bench);

}  // namespace satsuma::tools
