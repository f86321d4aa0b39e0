#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma datasets`.
void add_datasets(const Command& program);

}  // namespace satsuma::tools
