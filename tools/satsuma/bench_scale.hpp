#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `bench scale`: how a training step scales over ranks, measured under mpirun, else modelled.
void add_bench_scale(const Command& bench);

}  // namespace satsuma::tools
