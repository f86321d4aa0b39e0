#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma train`.
void add_train(const Command& program);

}  // namespace satsuma::tools
