#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma recipes`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_recipes(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
