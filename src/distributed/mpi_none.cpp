#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "src/distributed/start.hpp"

namespace satsuma::distributed {

std::string mpi_library() {
  return {};
}

std::unique_ptr<Communicator> make_mpi(const Launch& launch) {
  const std::string count = launch.size > 0 ? fmt::format("{} ", launch.size) : "";
  throw UsageError(fmt::format(
      "{} started {}processes that should train together, but this build has no MPI; install libopenmpi-dev "
      "or libmpich-dev and build anew with -Dmpi=enabled, or start one process",
      launch.by, count));
}

}  // namespace satsuma::distributed
