#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma man`, which prints the manual page satsuma(1).
CLI::App* add_man(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
