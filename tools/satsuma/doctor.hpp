#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// Adds `satsuma doctor`, which looks at what training needs of the machine and says what to do.
CLI::App* add_doctor(CLI::App& app, std::function<int()>& run);

}  // namespace satsuma::tools
