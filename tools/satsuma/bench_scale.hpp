#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `bench scale`: how a training step scales over ranks, measured under mpirun, else modelled.
CLI::App* add_bench_scale(CLI::App& bench, std::function<int()>& run);

}  // namespace satsuma::tools
