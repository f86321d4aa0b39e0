#pragma once

#include <memory>

#include "satsuma/distributed/communicator.hpp"

namespace satsuma::distributed {

std::unique_ptr<Communicator> make_alone();
/// Initialises MPI. Throws UsageError where this build has none.
std::unique_ptr<Communicator> make_mpi(const Launch& launch);

}  // namespace satsuma::distributed
