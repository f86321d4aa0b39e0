#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma data pack`.
void add_data_pack(const Command& data);

}  // namespace satsuma::tools
