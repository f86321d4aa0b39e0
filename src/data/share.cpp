#include "satsuma/data/share.hpp"

#include <algorithm>

#include "satsuma/core/memory_format.hpp"

namespace satsuma::data {

ImageRange share_of(std::int64_t batch, int rank, int ranks) {
  const std::int64_t blocks = (batch + kLanes - 1) / kLanes;
  const std::int64_t unit = blocks >= ranks ? kLanes : 1;
  const std::int64_t units = (batch + unit - 1) / unit;
  const auto begin = [&](std::int64_t r) { return std::min(r * units / ranks * unit, batch); };
  return {begin(rank), begin(rank + 1) - begin(rank)};
}

std::vector<std::int64_t> shares_of(std::int64_t batch, int ranks) {
  std::vector<std::int64_t> counts;
  for (int rank = 0; rank < ranks; ++rank) counts.push_back(share_of(batch, rank, ranks).count);
  return counts;
}

}  // namespace satsuma::data
