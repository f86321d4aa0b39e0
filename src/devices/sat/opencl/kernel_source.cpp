#include <fmt/core.h>

#include <span>

#include "src/core/embedded_file.hpp"
#include "src/devices/sat/opencl/interface.hpp"
#include "src/devices/sat/opencl/opencl.hpp"

namespace satsuma::sat::driver {

/// Written by Meson from kernels/.
std::span<const EmbeddedFile> sat_kernels();

std::string kernel_source(const Config& config, int largest_group) {
  std::string source = fmt::format(
      "#define INTERFACE_VERSION {}\n#define ROWS {}\n#define COLUMNS {}\n#define SORE_LANES {}\n"
      "#define WUVE_LANES {}\n#define LARGEST_GROUP {}\n#define STREAM {}\n",
      kernel::kInterfaceVersion, config.rows, config.columns, config.sore_lanes, config.wuve_lanes,
      largest_group, kernel::kStream);
  for (const EmbeddedFile& file : sat_kernels()) source += file.content;
  return source;
}

}  // namespace satsuma::sat::driver
