// Stands for SAT over OpenCL where this build has none.

#include "satsuma/core/error.hpp"
#include "src/devices/sat/opencl/opencl.hpp"
#include "src/opencl/platforms.hpp"

namespace satsuma::sat::driver {

std::shared_ptr<Transport> connect_opencl(const OpenClSettings& /*settings*/) {
  throw DeviceError(opencl::list_platforms().problem);
}

BuiltBitstream build_bitstream(const BitstreamSettings& /*settings*/) {
  throw DeviceError(opencl::list_platforms().problem);
}

}  // namespace satsuma::sat::driver
