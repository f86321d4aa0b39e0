#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// `satsuma sat build`: the kernels of SAT for an OpenCL device, ahead of time.
CLI::App* add_sat_build(CLI::App& sat, std::function<int()>& run);

}  // namespace satsuma::tools
