#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// Adds `satsuma doctor`, which looks at what training needs of the machine and says what to do.
CLI::App* add_doctor(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
