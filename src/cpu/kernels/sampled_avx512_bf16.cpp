#include <immintrin.h>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kVectors = 2;  // 3 x 2 x 2 accumulators: twelve chains hide the latency of a product
constexpr int kPlaneBytes = 16 * 64;
constexpr int kRowsAhead = 2;

inline __m512bh pairs(__m512i value) {
  return reinterpret_cast<__m512bh>(value);
}

/// T kernel positions by V vectors of thirty-two channels. Two kept images of a row make the pairs of one
/// instruction: their inputs are interleaved, the lower sixteen channels and the upper ones.
template <int T, int V>
void products_of(const SampledTile& tile) {
  const char* x[T];
  unrolled<T>([&](auto t) { x[t] = tile.x + tile.taps[t]; });
  const auto* const begin = static_cast<const SampledPairs*>(tile.entries);
  const SampledPairs* const end = begin + tile.count;
  float* dw = tile.dw;
  for (int row = 0; row < tile.rows; ++row, dw += tile.row_stride) {
    __m512 acc[T][2 * V];
    unrolled<T>([&](auto t) {
      unrolled<2 * V>([&](auto v) {
        float* const at = dw + t * tile.tap_stride + v * 16;
        acc[t][v] = tile.accumulate ? _mm512_load_ps(at) : _mm512_setzero_ps();
        __builtin_prefetch(at + kRowsAhead * tile.row_stride, 1);
      });
    });
    for (const SampledPairs* pair = begin; pair != end; ++pair) {
      const __m512i values = _mm512_set1_epi32(static_cast<int>(pair->values[row]));
      const std::uint64_t first = pair->first[row];
      const std::uint64_t second = pair->second[row];
      unrolled<T>([&](auto t) {
        unrolled<V>([&](auto v) {
          const __m512i a = _mm512_load_si512(x[t] + first + v * kPlaneBytes);
          const __m512i b = _mm512_load_si512(x[t] + second + v * kPlaneBytes);
          acc[t][2 * v] = _mm512_dpbf16_ps(acc[t][2 * v], pairs(_mm512_unpacklo_epi16(a, b)), pairs(values));
          acc[t][2 * v + 1] =
              _mm512_dpbf16_ps(acc[t][2 * v + 1], pairs(_mm512_unpackhi_epi16(a, b)), pairs(values));
        });
      });
    }
    unrolled<T>([&](auto t) {
      unrolled<2 * V>([&](auto v) { _mm512_store_ps(dw + t * tile.tap_stride + v * 16, acc[t][v]); });
    });
  }
}

void products(const SampledTile& tile) {
  with_count<kMostSampledTaps>(tile.tap_count, [&](auto taps) {
    constexpr int kMost = taps == kMostSampledTaps ? kVectors : kMostSampledVectors;
    with_count<kMost>(tile.vectors, [&](auto vectors) { products_of<taps, vectors>(tile); });
  });
}

void pair_up(const SampledEntries* entries, int count, SampledPairs* to) {
  for (int i = 0; i < count; i += 2, ++to) {
    const SampledEntries& a = entries[i];
    const bool alone = i + 1 == count;
    const SampledEntries& b = entries[alone ? i : i + 1];
    const __m512 second = alone ? _mm512_setzero_ps() : _mm512_loadu_ps(b.value);
    const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(a.value)));
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(second));
    const __m512i both =
        _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
    _mm512_storeu_si512(to->values, both);
    _mm512_storeu_si512(to->first, _mm512_loadu_si512(a.offset));
    _mm512_storeu_si512(to->second, _mm512_loadu_si512(b.offset));
  }
}

}  // namespace

const SampledKernels kAvx512Bf16SampledKernels = {
    32, kVectors, kMostSampledVectors, sizeof(SampledPairs), products, pair_up};

}  // namespace satsuma::cpu
