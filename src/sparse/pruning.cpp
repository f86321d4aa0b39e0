#include "satsuma/sparse/pruning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/sparse/ranking.hpp"

namespace satsuma {

Tensor prune_along_channels(const Tensor& dy, Pattern pattern) {
  validate(pattern);
  if (dy.rank() != 4) {
    throw ShapeError(
        fmt::format("[prune] got {}, expected an output gradient [N, K, P, Q]", to_string(dy.shape())));
  }
  Tensor pruned = Tensor::empty_like(dy);
  pruned.fill(0);
  const std::int64_t channels = dy.dim(1), height = dy.dim(2), width = dy.dim(3);
  dispatch_real("prune", dy.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const from = dy.data<T>();
    T* const to = pruned.data<T>();
    parallel_for(dy.dim(0) * height, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> magnitudes;
      for (std::int64_t i = begin; i < end; ++i) {
        for (std::int64_t q = 0; q < width; ++q) {
          for (std::int64_t first = 0; first < channels; first += pattern.m) {
            const std::int64_t length = std::min<std::int64_t>(pattern.m, channels - first);
            const auto index = [&](std::int64_t k) { return Shape{i / height, first + k, i % height, q}; };
            magnitudes.clear();
            for (std::int64_t k = 0; k < length; ++k)
              magnitudes.push_back(std::abs(static_cast<double>(from[dy.offset(index(k))])));
            for (const std::int64_t k : kept_positions(magnitudes, kept_in_group(pattern, length)))
              to[pruned.offset(index(k))] = from[dy.offset(index(k))];
          }
        }
      }
    });
  });
  return pruned;
}

}  // namespace satsuma
