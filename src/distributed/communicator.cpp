#include "satsuma/distributed/communicator.hpp"

#include <fmt/core.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "src/distributed/moves_something.hpp"

namespace satsuma::distributed {

int Communicator::ranks_on_this_host() const {
  const std::vector<std::string>& all = hosts();
  return static_cast<int>(std::count(all.begin(), all.end(), all.at(static_cast<std::size_t>(rank()))));
}

std::string Communicator::name(int rank) const {
  return fmt::format("rank {} of {} on {}", rank, size(), hosts().at(static_cast<std::size_t>(rank)));
}

void Communicator::wait(Transfer& transfer) {
  using std::chrono::microseconds, std::chrono::steady_clock;
  // Short waits are the rule. In long ones those who have work get the core: to sleep a 64th of the time in
  // which nothing came is to be late by no more.
  constexpr int kPatience = 2000;
  auto moved = steady_clock::now();
  for (int tries = 0;; ++tries) {
    const auto asked = steady_clock::now();
    if (transfer.done()) return;
    const auto now = steady_clock::now();
    if (now - asked >= kMovesSomething) {
      moved = now;
    } else if (tries < kPatience) {
      ::sched_yield();
    } else {
      const auto idle = std::chrono::duration_cast<microseconds>(now - moved);
      std::this_thread::sleep_for(std::clamp(idle / 64, microseconds(50), microseconds(5000)));
    }
  }
}

std::vector<double> Communicator::gather(const double* own, std::size_t count) {
  std::vector<double> all(count * static_cast<std::size_t>(size()));
  wait(*all_gather(Channel::words, reinterpret_cast<const std::byte*>(own),
                   reinterpret_cast<std::byte*>(all.data()), count * sizeof(double)));
  return all;
}

std::vector<double> Communicator::sum(const std::vector<double>& own) {
  const auto ranks = static_cast<std::size_t>(size());
  const std::size_t slice = (own.size() + ranks - 1) / ranks;
  const auto bytes = [](std::vector<double>& values) { return reinterpret_cast<std::byte*>(values.data()); };
  std::vector<double> all = own;
  all.resize(slice * ranks);
  std::vector<double> slices(slice * ranks), added(slice);
  wait(*all_to_all(Channel::slices, bytes(all), bytes(slices), slice * sizeof(double)));
  for (std::size_t i = 0; i < slices.size(); ++i) added[i % slice] += slices[i];
  wait(*all_gather(Channel::sums, bytes(added), bytes(all), slice * sizeof(double)));
  all.resize(own.size());
  return all;
}

std::vector<std::int64_t> Communicator::gather_lists(const std::vector<std::int64_t>& own) {
  const std::vector<std::uint64_t> lengths = gather<std::uint64_t>(own.size());
  const std::size_t longest = *std::max_element(lengths.begin(), lengths.end());
  if (longest == 0) return {};
  std::vector<std::int64_t> sent = own;
  sent.resize(longest);
  std::vector<std::int64_t> got(longest * lengths.size());
  wait(*all_gather(Channel::words, reinterpret_cast<const std::byte*>(sent.data()),
                   reinterpret_cast<std::byte*>(got.data()), longest * sizeof(std::int64_t)));
  std::vector<std::int64_t> all;
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    const auto begin = got.begin() + static_cast<std::ptrdiff_t>(r * longest);
    all.insert(all.end(), begin, begin + static_cast<std::ptrdiff_t>(lengths[r]));
  }
  return all;
}

std::string Communicator::of_first(std::string text) {
  text.resize(of_first(text.size()));
  broadcast(reinterpret_cast<std::byte*>(text.data()), text.size());
  return text;
}

}  // namespace satsuma::distributed
