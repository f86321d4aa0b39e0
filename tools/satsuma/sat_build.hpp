#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma sat build`: the kernels of SAT for an OpenCL device, ahead of time.
CLI::App* add_sat_build(CLI::App& sat, std::function<int()>& run);

}  // namespace satsuma::tools
