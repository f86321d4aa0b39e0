#include "satsuma/core/parallel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"

namespace satsuma::testing {

namespace {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

Ranges split(std::int64_t count, std::int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

/// Sets the number of threads for a scope.
struct WithThreads {
  int before = threads();
  explicit WithThreads(int count) { set_threads(count); }
  ~WithThreads() { set_threads(before); }
};

}  // namespace

TEST_CASE("ranges cover everything once, in parts no longer than needed") {
  for (const int count : {1, 2, 3, 8}) {
    const WithThreads with(count);
    for (const std::int64_t items : {0, 1, 2, 7, 8, 100, 1001}) {
      for (const std::int64_t grain : {0, 1, 10, 5000}) {
        CAPTURE(items);
        CAPTURE(grain);
        const Ranges ranges = split(items, grain);
        std::int64_t next = 0;
        for (const auto& [begin, end] : ranges) {
          CHECK(begin == next);
          CHECK(begin < end);
          next = end;
        }
        CHECK(next == items);
        CHECK(static_cast<int>(ranges.size()) <= count);
        if (grain == 5000 && items > 0) CHECK(ranges.size() == 1);
        CHECK(ranges == split(items, grain));
      }
    }
  }
  const WithThreads with(4);
  CHECK(split(8, 1) == Ranges{{0, 2}, {2, 4}, {4, 6}, {6, 8}});
}

TEST_CASE("an exception comes back to the caller, and the next loop works") {
  const WithThreads with(3);
  for (int i = 0; i < 20; ++i) {
    CHECK_THROWS_AS(parallel_for(30, 1,
                                 [](std::int64_t begin, std::int64_t) {
                                   if (begin > 0) throw std::out_of_range("no");
                                 }),
                    std::out_of_range);
    CHECK(split(3, 1).size() == 3);
  }
}

TEST_CASE("a loop inside a loop runs in its thread") {
  const WithThreads with(2);
  std::vector<std::int64_t> sums(4);
  parallel_for(4, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      parallel_for(100, 1, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t j = from; j < to; ++j) sums[static_cast<std::size_t>(i)] += j;
      });
    }
  });
  CHECK(sums == std::vector<std::int64_t>(4, 4950));
}

TEST_CASE("the number of threads is at least one") {
  CHECK_THROWS_AS(set_threads(0), UsageError);
  CHECK_THROWS_AS(set_threads(-3), UsageError);
  CHECK(threads() >= 1);
}

}  // namespace satsuma::testing
