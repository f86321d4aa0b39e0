#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma data pack`. Its callback leaves in `run` what does the work and returns the exit code.
CLI::App* add_data_pack(CLI::App& data, std::function<int()>& run);

}  // namespace satsuma::tools
