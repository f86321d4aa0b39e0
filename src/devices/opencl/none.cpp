// Stands for the device `opencl` where this build has no OpenCL.

#include <memory>

#include "satsuma/core/error.hpp"
#include "satsuma/device/device.hpp"
#include "src/opencl/platforms.hpp"

namespace satsuma {

std::shared_ptr<Device> create_opencl_device() {
  throw DeviceError(opencl::list_platforms().problem);
}

std::shared_ptr<Device> configure_opencl_device(std::string_view /*settings*/) {
  return create_opencl_device();
}

}  // namespace satsuma
