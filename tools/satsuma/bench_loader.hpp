#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// Adds `satsuma bench loader`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_bench_loader(CLI::App& bench, std::function<int()>& run);

}  // namespace satsuma::tools
