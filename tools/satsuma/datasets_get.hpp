#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma datasets get`.
void add_datasets_get(const Command& datasets);

}  // namespace satsuma::tools
