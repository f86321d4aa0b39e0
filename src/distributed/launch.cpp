#include <sched.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "src/distributed/start.hpp"

namespace satsuma::distributed {

namespace {

std::optional<int> number(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || value < 0 || value > 1 << 30) return std::nullopt;
  return static_cast<int>(value);
}

struct Names {
  const char* rank;
  const char* size;
  const char* on_host;  ///< null where the launcher does not say
  const char* by;
};

// Open MPI's mpirun; MPICH's, and those of its kin; srun; others that speak PMI. In a job of Slurm both kinds
// of mpirun have srun start a helper on each host, whose step their ranks see as their own: they come first.
// A shell in such a job has a rank too, but no step with tasks.
constexpr Names kKnown[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "mpirun"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", "mpirun"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr, "srun"},
    {"PMI_RANK", "PMI_SIZE", nullptr, "the launcher"}};

/// Whether the user had Open MPI's mpirun bind the ranks (`--bind-to`), so that the cores of a rank are its
/// own.
bool has_own_cores() {
  const char* const policy = std::getenv("OMPI_MCA_hwloc_base_binding_policy");
  return policy != nullptr && std::string_view(policy) != "none";
}

/// Open MPI's mpirun gives each of two ranks one core where nobody asks for it: too few for threads, on most
/// machines.
void unbind() {
  if (std::getenv("OMPI_MCA_orte_bound_at_launch") == nullptr || has_own_cores()) return;
  cpu_set_t all;
  std::memset(&all, 0xFF, sizeof(all));
  // Where it fails the rank has the cores that it has.
  ::sched_setaffinity(0, sizeof(all), &all);
}

}  // namespace

void forget_launch() {
  unbind();
  for (const Names& names : kKnown) {
    ::unsetenv(names.rank);
    ::unsetenv(names.size);
  }
  ::unsetenv("PMIX_RANK");
}

Launch launch_of_process() {
  for (const Names& names : kKnown) {
    const std::optional<int> rank = number(names.rank);
    const std::optional<int> size = number(names.size);
    if (!rank || !size || *size == 0) continue;
    const std::optional<int> on_host = names.on_host == nullptr ? 1 : number(names.on_host);
    if (!on_host) continue;
    return {*rank, *size, has_own_cores() ? 1 : std::max(1, *on_host), names.by};
  }
  // A launcher of PMIx alone: MPI knows how many there are.
  if (const std::optional<int> rank = number("PMIX_RANK")) return {*rank, 0, 1, "the launcher"};
  return {};
}

std::unique_ptr<Communicator> join() {
  const Launch launch = launch_of_process();
  unbind();
  if (launch.size == 1) return make_alone();
  return make_mpi(launch);
}

}  // namespace satsuma::distributed
