#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// Adds `satsuma predict`.
void add_predict(const Command& program);

}  // namespace satsuma::tools
