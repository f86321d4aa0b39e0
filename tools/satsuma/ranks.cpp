#include "tools/satsuma/ranks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "satsuma/core/parallel.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "src/core/message.hpp"
#include "tools/satsuma/failure.hpp"

namespace satsuma::tools {

int with_ranks(const std::function<int(distributed::Communicator&)>& work) {
  const std::unique_ptr<distributed::Communicator> ranks = distributed::join();
  if (ranks->size() == 1) return work(*ranks);
  set_silent(!ranks->first());
  Failure failure;
  try {
    return work(*ranks);
  } catch (...) {
    failure = failure_of(std::current_exception());
    std::fflush(stdout);
    // What is wrong with the command is wrong on all ranks.
    if (ranks->first()) {
      say("error: {}", failure.message);
    } else if (ranks->first_fails()) {
      // Its end is that of all. Open MPI's mpirun may crash where two ranks end it at the same time.
      std::this_thread::sleep_for(std::chrono::seconds(3));
    } else {
      set_silent(false);
      say("error: {}: {}", ranks->name(ranks->rank()), failure.message);
    }
  }
  ranks->abort(failure.code);
  return failure.code;
}

namespace {

/// Of each rank.
std::vector<cpu_set_t> cores_of_ranks(distributed::Communicator& ranks) {
  cpu_set_t own;
  CPU_ZERO(&own);
  // Where a machine has more CPUs than the set, no rank has bound itself to few.
  if (::sched_getaffinity(0, sizeof(own), &own) != 0) std::memset(&own, 0xFF, sizeof(own));
  return ranks.gather(own);
}

}  // namespace

bool share_cores(distributed::Communicator& ranks) {
  const std::vector<cpu_set_t> all = cores_of_ranks(ranks);
  std::map<std::string, const cpu_set_t*> of_host;
  for (std::size_t r = 0; r < all.size(); ++r) {
    const auto [first, is_new] = of_host.emplace(ranks.hosts()[r], &all[r]);
    if (!is_new && CPU_EQUAL(first->second, &all[r]) == 0) return false;
  }
  return true;
}

std::int64_t threads_of_rank(distributed::Communicator& ranks) {
  const std::vector<cpu_set_t> all = cores_of_ranks(ranks);
  const auto own = static_cast<std::size_t>(ranks.rank());
  const auto& hosts = ranks.hosts();
  int sharers = 0;
  for (std::size_t r = 0; r < all.size(); ++r) {
    cpu_set_t common;
    CPU_AND(&common, &all[own], &all[r]);
    if (hosts[r] == hosts[own] && CPU_COUNT(&common) > 0) ++sharers;
  }
  const int count = default_threads().count;
  const char* const asked = std::getenv("OMP_NUM_THREADS");
  if (asked != nullptr && first_thread_count(asked)) return count;
  return std::min(count, std::max(1, available_cores() / std::max(1, sharers)));
}

std::string ranks_text(const distributed::Communicator& ranks) {
  std::vector<std::pair<std::string, int>> hosts;
  for (const std::string& host : ranks.hosts()) {
    const auto known =
        std::find_if(hosts.begin(), hosts.end(), [&](const auto& one) { return one.first == host; });
    if (known == hosts.end()) {
      hosts.emplace_back(host, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> words;
  for (const auto& [host, count] : hosts) words.push_back(fmt::format("{}: {}", host, count));
  return fmt::format("{} ranks on {} host{} ({}), {} thread{} each, {}", ranks.size(), hosts.size(),
                     hosts.size() == 1 ? "" : "s", fmt::join(words, ", "), threads(),
                     threads() == 1 ? "" : "s", ranks.library());
}

}  // namespace satsuma::tools
