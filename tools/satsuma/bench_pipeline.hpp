#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma bench pipeline`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_bench_pipeline(CLI::App& bench, std::function<int()>& run);

}  // namespace satsuma::tools
