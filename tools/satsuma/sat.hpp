#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// `satsuma sat`: what concerns the SAT accelerator alone.
CLI::App* add_sat(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
