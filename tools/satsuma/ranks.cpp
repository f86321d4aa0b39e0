#include "tools/satsuma/ranks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <exception>
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
    } else if (!ranks->first_fails()) {
      set_silent(false);
      say("error: {}: {}", ranks->name(ranks->rank()), failure.message);
    }
  }
  ranks->abort(failure.code);
  return failure.code;
}

std::int64_t threads_of_rank(const distributed::Communicator& ranks) {
  const ThreadDefault& found = default_threads();
  if (found.limit.starts_with("OMP_") || distributed::has_own_cores()) return found.count;
  return std::max(1, found.count / ranks.ranks_on_this_host());
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
