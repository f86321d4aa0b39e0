#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// `satsuma simulate`: what SAT would take for a training step.
CLI::App* add_simulate(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
