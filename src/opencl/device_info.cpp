#include <fmt/core.h>

#include "src/opencl/platforms.hpp"

namespace satsuma::opencl {

std::string DeviceInfo::who() const {
  return fmt::format("platform '{}', device '{}'", platform, name);
}

std::string DeviceInfo::capabilities() const {
  return fmt::format("{}{}{}{}, {} compute units, work-groups of {}, {} KiB of local memory",
                     compiler ? "compiler" : "binaries only", halves ? ", fp16" : "", doubles ? ", fp64" : "",
                     denormals ? ", denormals" : "", compute_units, work_group, local_memory >> 10);
}

}  // namespace satsuma::opencl
