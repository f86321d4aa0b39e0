#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma plugin new`: the skeleton of a device in a shared object.
CLI::App* add_plugin(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
