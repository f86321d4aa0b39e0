#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma methods`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_methods(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
