#pragma once

#include <cstdint>
#include <vector>

namespace satsuma::sat::test {

/// SORE, cycle by cycle: `lanes` chains of N comparators. A value enters a lane each cycle; each comparator
/// keeps the larger magnitude of the value it holds and the one that comes, hands on the other, and gives up
/// what it holds when the last value of a group has passed.
struct ReferenceSore {
  std::int64_t cycles = 0;
  /// [vector][group]: positions kept, rising.
  std::vector<std::vector<std::vector<int>>> kept;
};
ReferenceSore run_sore(int lanes, int n, int m, const std::vector<std::vector<float>>& vectors);

/// WUVE, cycle by cycle: `lanes` weights enter a pipeline of `latency` stages each cycle.
struct ReferenceWuve {
  std::int64_t cycles = 0;
  std::vector<float> weights;
};
ReferenceWuve run_wuve(int lanes, int latency, float rate, const std::vector<float>& weights,
                       const std::vector<float>& gradients);

}  // namespace satsuma::sat::test
