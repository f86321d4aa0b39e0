#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench loader`.
void add_bench_loader(const Command& bench);

}  // namespace satsuma::tools
