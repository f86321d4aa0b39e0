#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma plugin new`: the skeleton of a device in a shared object.
void add_plugin(const Command& program);

}  // namespace satsuma::tools
