#pragma once

#include <string>
#include <string_view>

#include "src/opencl/cl.hpp"

namespace satsuma::opencl {

/// `CL_OUT_OF_RESOURCES`; the number for codes that OpenCL 1.2 does not have.
std::string name_of(cl_int code);

/// Throws DeviceError naming who, the call and the code, unless it is CL_SUCCESS.
void check(cl_int code, std::string_view call, std::string_view who);

}  // namespace satsuma::opencl
