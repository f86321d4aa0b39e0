#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// `satsuma plugin new`: the skeleton of a device in a shared object.
CLI::App* add_plugin(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
