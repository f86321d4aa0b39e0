#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace satsuma {

/// How many threads compute where nobody says a number: the least of the cores that the affinity of this
/// process allows, the CPU quota of its control groups, OMP_NUM_THREADS and OMP_THREAD_LIMIT.
struct ThreadDefault {
  int count = 1;
  std::string_view limit;  ///< what the number comes from where it is below the machine's cores, else empty
};
const ThreadDefault& default_threads();

/// Cores that the machine has online.
int machine_cores();

/// Those of them that this process may keep busy: its affinity and its CPU quota allow them.
int available_cores();

/// CPUs' worth of time that the control groups of this process grant it, or nothing where they do not limit
/// it: the smallest quota on the way from its group to the root, of version 2 (`cpu.max`) and of version 1
/// (`cpu.cfs_quota_us` by `cpu.cfs_period_us`). `proc/self` and the mounts that it names are looked for below
/// `root`.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

/// The first number of a list as OMP_NUM_THREADS holds it (`4` or `4,2`); nothing where that is no number
/// above 0.
std::optional<int> first_thread_count(std::string_view list);

}  // namespace satsuma
