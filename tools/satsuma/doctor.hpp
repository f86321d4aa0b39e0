#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma doctor`, which looks at what training needs of the machine and says what to do.
void add_doctor(const Command& program);

}  // namespace satsuma::tools
