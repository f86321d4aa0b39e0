#pragma once

#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// OpenCL's platforms and their devices, or why there is none: for `satsuma devices`.
Json opencl_json();
void print_opencl();

}  // namespace satsuma::tools
