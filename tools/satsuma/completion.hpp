#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma completion SHELL`, which prints what makes a shell complete the command line.
CLI::App* add_completion(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
