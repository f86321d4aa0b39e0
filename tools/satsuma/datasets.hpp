#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma datasets`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_datasets(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
