#include "satsuma/core/thread_limit.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace satsuma {

namespace {

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails where the machine has more CPUs than the set: all of them, then.
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return machine_cores();
  return std::max(1, CPU_COUNT(&set));
}

/// The whole CPUs of the quota, for threads that share what is left of one would wait for each other.
std::optional<int> quota_cores() {
  const std::optional<double> quota = cpu_quota();
  if (!quota) return std::nullopt;
  return static_cast<int>(std::clamp(std::floor(*quota), 1.0, 1e6));
}

ThreadDefault find_default() {
  ThreadDefault least{machine_cores(), {}};
  const auto limit = [&](std::optional<int> count, std::string_view name) {
    if (count && *count < least.count) least = {*count, name};
  };
  limit(affinity_cores(), "affinity");
  limit(quota_cores(), "CPU quota of the control group");
  for (const char* const name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr) limit(first_thread_count(value), name);
  }
  return least;
}

}  // namespace

int machine_cores() {
  return static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

int available_cores() {
  static const int cores =
      std::min({machine_cores(), affinity_cores(), quota_cores().value_or(machine_cores())});
  return cores;
}

const ThreadDefault& default_threads() {
  static const ThreadDefault chosen = find_default();
  return chosen;
}

std::optional<int> first_thread_count(std::string_view list) {
  while (!list.empty() && list.front() == ' ') list.remove_prefix(1);
  list = list.substr(0, list.find_first_of(", "));
  int count = 0;
  const auto [stop, error] = std::from_chars(list.data(), list.data() + list.size(), count);
  if (error != std::errc{} || stop != list.data() + list.size() || count < 1) return std::nullopt;
  return count;
}

}  // namespace satsuma
