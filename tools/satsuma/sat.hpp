#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma sat`: what concerns the SAT accelerator alone.
void add_sat(const Command& program);

}  // namespace satsuma::tools
