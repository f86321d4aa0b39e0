#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma devices`.
void add_devices(const Command& program);

}  // namespace satsuma::tools
