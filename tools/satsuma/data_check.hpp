#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma data check`.
void add_data_check(const Command& data);

}  // namespace satsuma::tools
