#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench kernels`.
void add_bench_kernels(const Command& bench);

}  // namespace satsuma::tools
