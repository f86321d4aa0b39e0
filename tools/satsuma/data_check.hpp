#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// Adds `satsuma data check`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_data_check(CLI::App& data, std::function<int()>& run);

}  // namespace satsuma::tools
