#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// Adds `satsuma datasets get`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_datasets_get(CLI::App& datasets, std::function<int()>& run);

}  // namespace satsuma::tools
