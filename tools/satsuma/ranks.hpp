#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "satsuma/distributed/communicator.hpp"

namespace satsuma::tools {

/// Runs `work` on the ranks that this process was started with, on itself alone where it was started by
/// itself. Words about the work come from rank 0. An error on one rank ends all of them; where rank 0 fails,
/// too, it is rank 0 that says why.
int with_ranks(const std::function<int(distributed::Communicator&)>& work);

/// The number of threads of this rank where nobody says one: the cores that it may use over the ranks of this
/// host that may use some of them as well, or OMP_NUM_THREADS, which is for one process. All ranks call it.
std::int64_t threads_of_rank(distributed::Communicator& ranks);

/// Whether ranks of a host may use the same cores. All ranks call it.
bool share_cores(distributed::Communicator& ranks);

/// `4 ranks on 2 hosts (a: 2, b: 2), 8 threads each, Open MPI v4.1.4`; the threads are this rank's.
std::string ranks_text(const distributed::Communicator& ranks);

}  // namespace satsuma::tools
