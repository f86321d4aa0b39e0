#include <immintrin.h>

#include <type_traits>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/interleave.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kVectors = 2;        // 3 x 2 x 2 accumulators: twelve chains hide the latency of a product
constexpr int kSharedVectors = 2;  // 2 x 3 x 4 accumulators, 2 values and four vectors: 30 of 32 registers
constexpr int kPlaneBytes = 16 * 64;
constexpr int kRowsAhead = 2;

inline std::uint32_t values_of(const SampledPairs& pair, int /*row*/, int lane) {
  return pair.values[lane];
}
inline std::uint32_t values_of(const SampledSharedPairs& pair, int row, int lane) {
  return pair.values[row][lane];
}

/// T kernel positions by V vectors of thirty-two channels, of a row or of Rows rows. Two kept images of a row
/// make the pairs of one instruction: their inputs are interleaved, the lower sixteen channels and the upper
/// ones.
template <int Rows, int T, int V>
void products_of(const SampledTile& tile) {
  using Pair = std::conditional_t<Rows == 1, SampledPairs, SampledSharedPairs>;
  const char* x[T];
  unrolled<T>([&](auto t) { x[t] = tile.x + tile.taps[t]; });
  const auto* const begin = static_cast<const Pair*>(tile.entries);
  const Pair* const end = begin + tile.count;
  float* dw = tile.dw;
  for (int row = 0, lane = 0; row < tile.rows; row += Rows, ++lane, dw += Rows * tile.row_stride) {
    const int rows = Rows == 1 || row + 1 < tile.rows ? Rows : 1;
    const auto target = [&](int r, int t, int v) {
      return dw + r * tile.row_stride + t * tile.tap_stride + v * 16;
    };
    __m512 acc[Rows][T][2 * V];
    unrolled<Rows>([&](auto r) {
      unrolled<T>([&](auto t) {
        unrolled<2 * V>([&](auto v) {
          acc[r][t][v] = tile.accumulate && r < rows ? _mm512_load_ps(target(r, t, v)) : _mm512_setzero_ps();
          __builtin_prefetch(target(r, t, v) + kRowsAhead * tile.row_stride, 1);
        });
      });
    });
    for (const Pair* pair = begin; pair != end; ++pair) {
      __m512i values[Rows];
      unrolled<Rows>(
          [&](auto r) { values[r] = _mm512_set1_epi32(static_cast<int>(values_of(*pair, r, lane))); });
      const std::uint64_t first = pair->first[lane];
      const std::uint64_t second = pair->second[lane];
      unrolled<T>([&](auto t) {
        unrolled<V>([&](auto v) {
          const Interleaved input =
              interleave(x[t] + first + v * kPlaneBytes, x[t] + second + v * kPlaneBytes);
          unrolled<Rows>([&](auto r) {
            add_products(acc[r][t][2 * v], input.low, values[r]);
            add_products(acc[r][t][2 * v + 1], input.high, values[r]);
          });
        });
      });
    }
    unrolled<Rows>([&](auto r) {
      if (r >= rows) return;
      unrolled<T>(
          [&](auto t) { unrolled<2 * V>([&](auto v) { _mm512_store_ps(target(r, t, v), acc[r][t][v]); }); });
    });
  }
}

template <int Rows>
void products(const SampledTile& tile) {
  constexpr int kMostHere = Rows == 1 ? kVectors : kSharedVectors;
  with_count<kMostSampledTaps>(tile.tap_count, [&](auto taps) {
    constexpr int kMost = taps == kMostSampledTaps ? kMostHere : kMostSampledVectors / Rows;
    with_count<kMost>(tile.vectors, [&](auto vectors) { products_of<Rows, taps, vectors>(tile); });
  });
}

/// bf16 of sixteen values of a and b, side by side.
inline __m512i both_of(const float* a, const float* b) {
  const __m512 second = b ? _mm512_loadu_ps(b) : _mm512_setzero_ps();
  const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(a)));
  const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(second));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

/// Calls `values(a, b, to)` for each two entries, b null behind an odd last one, and copies their offsets.
template <typename Entries, typename Pairs, typename Values>
void pair_all(const void* from, int count, void* to, const Values& values) {
  const auto* const entries = static_cast<const Entries*>(from);
  auto* pair = static_cast<Pairs*>(to);
  for (int i = 0; i < count; i += 2, ++pair) {
    const Entries& a = entries[i];
    const Entries* const b = i + 1 == count ? nullptr : entries + i + 1;
    values(a, b, *pair);
    _mm512_storeu_si512(pair->first, _mm512_loadu_si512(a.offset));
    _mm512_storeu_si512(pair->second, _mm512_loadu_si512(b ? b->offset : a.offset));
  }
}

void pair_up(const void* entries, int count, void* to) {
  pair_all<SampledEntries, SampledPairs>(
      entries, count, to, [](const SampledEntries& a, const SampledEntries* b, SampledPairs& pair) {
        _mm512_storeu_si512(pair.values, both_of(a.value, b ? b->value : nullptr));
      });
}

void pair_up_shared(const void* entries, int count, void* to) {
  pair_all<SampledSharedEntries, SampledSharedPairs>(
      entries, count, to,
      [](const SampledSharedEntries& a, const SampledSharedEntries* b, SampledSharedPairs& pair) {
        for (int r = 0; r < 2; ++r)
          _mm512_storeu_si512(pair.values[r], both_of(a.value[r], b ? b->value[r] : nullptr));
      });
}

}  // namespace

const SampledKernels kAvx512Bf16SampledKernels = {
    32,
    {kVectors, kMostSampledVectors, sizeof(SampledPairs), products<1>, pair_up},
    {kSharedVectors, kMostSampledVectors / 2, sizeof(SampledSharedPairs), products<2>, pair_up_shared}};

}  // namespace satsuma::cpu
