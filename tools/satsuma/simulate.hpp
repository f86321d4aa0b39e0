#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma simulate`: what SAT would take for a training step.
CLI::App* add_simulate(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
