#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma optimizers`.
void add_optimizers(const Command& program);

}  // namespace satsuma::tools
