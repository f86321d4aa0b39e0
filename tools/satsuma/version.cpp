#include "tools/satsuma/version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "satsuma/core/cpu.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/plugin.h"
#include "tools/satsuma/peer.hpp"

namespace satsuma::tools {

std::string version_text() {
  std::vector<std::string_view> devices;
  for (const DeviceEntry& entry : device_entries()) devices.push_back(entry.name);
  const std::string peer = peer_library();
  std::string text = "satsuma " SATSUMA_VERSION "\n";
  text += fmt::format("ISA        {} of plain, avx2, avx512, avx512_bf16, amx\n", kernels_name());
  text += fmt::format("devices    {}; plug-ins of interface {}\n", fmt::join(devices, ", "),
                      SATSUMA_PLUGIN_INTERFACE);
  const std::string mpi = distributed::mpi_library();
  text += fmt::format("libraries  {}, {}, {}\n", SATSUMA_LIBRARIES, peer.empty() ? "no oneDNN" : peer,
                      mpi.empty() ? "no MPI" : mpi);
  return text + "compiler   " SATSUMA_COMPILER;
}

}  // namespace satsuma::tools
