#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench step`.
void add_bench_step(const Command& bench);

}  // namespace satsuma::tools
