#pragma once

// The C API as of OpenCL 1.2.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
