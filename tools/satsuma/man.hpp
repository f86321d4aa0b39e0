#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// Adds `satsuma man`, which prints the manual page satsuma(1).
CLI::App* add_man(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
