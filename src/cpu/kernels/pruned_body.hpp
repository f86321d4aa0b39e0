// Included once by each instruction set's file, which defines kVector, kVectors and kImages first. Everything
// here has internal linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

using Vec = float __attribute__((vector_size(kVector * sizeof(float)), aligned(kVector * sizeof(float))));

inline Vec load(const void* at) {
  return *static_cast<const Vec*>(at);
}
inline Vec splat(float value) {
  return value - Vec{};
}

/// V vectors of each of I images, side by side so that there are sums enough to hide the latency of a
/// product.
template <int V, int I>
inline void images_of(const PrunedTile& tile, std::int64_t first) {
  float* const sums = tile.sums + first * V * kVector;
  Vec acc[I][V];
  for (int i = 0; i < I; ++i) {
    for (int v = 0; v < V; ++v) acc[i][v] = load(sums + (i * V + v) * kVector);
  }
  for (int tap = 0; tap < tile.tap_count; ++tap) {
    const auto* const entries = static_cast<const NmEntry*>(tile.entries[tap]) + first * tile.per_image;
    const char* const weights = tile.weights[tap];
    for (std::int64_t j = 0; j < tile.per_image; ++j) {
      for (int i = 0; i < I; ++i) {
        const NmEntry& entry = entries[i * tile.per_image + j];
        const Vec value = splat(entry.value);
        const char* const row = weights + entry.offset;
        for (int v = 0; v < V; ++v) acc[i][v] += value * load(row + v * kVector * 4);
      }
    }
  }
  for (int i = 0; i < I; ++i) {
    for (int v = 0; v < V; ++v) *reinterpret_cast<Vec*>(sums + (i * V + v) * kVector) = acc[i][v];
  }
}

}  // namespace

}  // namespace satsuma::cpu

#include "src/cpu/kernels/pruned_products.hpp"
