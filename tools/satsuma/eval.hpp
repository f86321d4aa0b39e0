#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma eval`.
void add_eval(const Command& program);

}  // namespace satsuma::tools
