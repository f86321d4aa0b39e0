#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma sat build`: the kernels of SAT for an OpenCL device, ahead of time.
void add_sat_build(const Command& sat);

}  // namespace satsuma::tools
