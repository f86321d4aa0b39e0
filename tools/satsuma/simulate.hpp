#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma simulate`: what SAT would take for a training step.
void add_simulate(const Command& program);

}  // namespace satsuma::tools
