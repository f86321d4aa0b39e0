#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma models`.
void add_models(const Command& program);

}  // namespace satsuma::tools
