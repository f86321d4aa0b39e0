#include <immintrin.h>

#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/interleave.hpp"
#include "src/cpu/kernels/pruned.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kVectors = 4;
constexpr int kImages = 2;  // 2 x 4 x 2 accumulators

/// V vectors of thirty-two channels of each of I images. Two kept output channels make the pairs of one
/// instruction: their weights are interleaved, the lower sixteen channels and the upper ones.
template <int V, int I>
inline void images_of(const PrunedTile& tile, std::int64_t first) {
  float* const sums = tile.sums + first * V * 32;
  __m512 acc[I][2 * V];
  unrolled<I>([&](auto i) {
    unrolled<2 * V>([&](auto v) { acc[i][v] = _mm512_load_ps(sums + (i * 2 * V + v) * 16); });
  });
  for (int tap = 0; tap < tile.tap_count; ++tap) {
    const auto* const entries = static_cast<const NmPair*>(tile.entries[tap]) + first * tile.per_image;
    const char* const weights = tile.weights[tap];
    for (std::int64_t j = 0; j < tile.per_image; ++j) {
      unrolled<I>([&](auto i) {
        const NmPair& pair = entries[i * tile.per_image + j];
        const __m512i values = _mm512_set1_epi32(static_cast<int>(pair.weights));
        unrolled<V>([&](auto v) {
          const char* const plane = weights + v * tile.plane_bytes;
          const auto [low, high] = interleave(plane + pair.first, plane + pair.second);
          add_products(acc[i][2 * v], low, values);
          add_products(acc[i][2 * v + 1], high, values);
        });
      });
    }
  }
  unrolled<I>([&](auto i) {
    unrolled<2 * V>([&](auto v) { _mm512_store_ps(sums + (i * 2 * V + v) * 16, acc[i][v]); });
  });
}

}  // namespace

}  // namespace satsuma::cpu

#include "src/cpu/kernels/pruned_products.hpp"

namespace satsuma::cpu {

const PrunedKernels kAvx512Bf16PrunedKernels = {32, kVectors, products};

}  // namespace satsuma::cpu
