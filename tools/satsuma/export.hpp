#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma export`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_export(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
