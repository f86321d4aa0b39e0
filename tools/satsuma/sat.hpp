#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma sat`: what concerns the SAT accelerator alone.
CLI::App* add_sat(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
