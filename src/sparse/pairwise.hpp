#pragma once

#include <array>
#include <cstddef>

namespace satsuma {

/// Most rows that share positions (validate()).
inline constexpr std::size_t kMostShared = 16;

/// The sum in the order in which rows that share positions are added: 0 + 1, 2 + 3, ..., then these pairs,
/// and so on. Rows that are missing are zeros.
template <typename T>
T pairwise_sum(std::array<T, kMostShared> values) {
  for (std::size_t width = 1; width < kMostShared; width *= 2) {
    for (std::size_t i = 0; i + width < kMostShared; i += 2 * width) values[i] += values[i + width];
  }
  return values[0];
}

/// The same sum of each `together` neighbouring of `count` values, a power of two, left in all of them.
inline void pairwise_sums(float* values, std::size_t count, std::size_t together) {
  for (std::size_t width = 1; width < together; width *= 2) {
    for (std::size_t first = 0; first < count; first += 2 * width) {
      for (std::size_t i = first; i < first + width; ++i) {
        const float sum = values[i] + values[i + width];
        values[i] = values[i + width] = sum;
      }
    }
  }
}

}  // namespace satsuma
