#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench pipeline`.
void add_bench_pipeline(const Command& bench);

}  // namespace satsuma::tools
