#include <immintrin.h>

#include <type_traits>

#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/interleave.hpp"
#include "src/cpu/kernels/picked.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kBlockFloats = 16;

/// Rows by T kernel positions by C input channels stay in registers over all pixels: up to 24 sums, which
/// leaves room for what is picked by turns.
template <int Rows, int T, int C>
void products_of(const PickTile& tile) {
  const auto at = [&](auto* first, int r, int t, int c) {
    return first + t * tile.tap_stride + (c * Rows + r) * kBlockFloats;
  };
  // One step for each sum of a tile.
  const auto each = [](const auto& body) {
    unrolled<T>(
        [&](auto t) { unrolled<C>([&](auto c) { unrolled<Rows>([&](auto r) { body(r, t, c); }); }); });
  };
  __m512 sums[Rows][T][C];
  if (tile.accumulate) {
    each([&](auto r, auto t, auto c) { sums[r][t][c] = _mm512_load_ps(at(tile.sums, r, t, c)); });
  } else {
    each([&](auto r, auto t, auto c) { sums[r][t][c] = _mm512_setzero_ps(); });
  }
  if (tile.next_sums != nullptr)
    each([&](auto r, auto t, auto c) { __builtin_prefetch(at(tile.next_sums, r, t, c), 1); });
  const auto* pair = static_cast<const PickedPairs<Rows>*>(tile.pairs);
  const PickedPixel* const end = tile.pixels + tile.pixel_count;
  std::int64_t taps[T];
  unrolled<T>([&](auto t) { taps[t] = tile.taps[t]; });
  for (const PickedPixel* pixel = tile.pixels; pixel != end; ++pixel) {
    const char* x = tile.x + pixel->x;
    const PickedPairs<Rows>* const last = pair + pixel->pairs;
    for (; pair != last; ++pair) {
      // Vectors of x are loaded for each pair: more of them than there are registers would else be kept in
      // memory over all pairs of a pixel.
      asm("" : "+r"(x));
      const __m512i images = _mm512_load_si512(pair->images);
      __m512i values[Rows];
      unrolled<Rows>([&](auto r) { values[r] = _mm512_load_si512(pair->values[r]); });
      unrolled<T>([&](auto t) {
        const char* const from = x + taps[t];
        unrolled<C>([&](auto c) {
          const __m512i picked = _mm512_permutexvar_epi16(images, _mm512_load_si512(from + c * 64));
          unrolled<Rows>([&](auto r) { add_products(sums[r][t][c], picked, values[r]); });
        });
      });
    }
  }
  each([&](auto r, auto t, auto c) { _mm512_store_ps(at(tile.sums, r, t, c), sums[r][t][c]); });
}

/// 3 x 8 sums of a row under several kernel positions, 16 under one, and as many of pairs of rows.
constexpr int kChannels = 8;
constexpr int kPointwiseChannels = 16;

template <int Rows>
void products(const PickTile& tile) {
  if (tile.channels == kPointwiseChannels / Rows)
    return products_of<Rows, 1, kPointwiseChannels / Rows>(tile);
  with_count<kMostSampledTaps>(tile.tap_count,
                               [&](auto taps) { products_of<Rows, taps, kChannels / Rows>(tile); });
}

/// The lower halves of a and b, side by side.
inline __m512i both(__m512i a, __m512i b) {
  return _mm512_or_si512(a, _mm512_slli_epi32(b, 16));
}

inline __m512i rounded(const float* values) {
  return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(values))));
}

inline const float* row_of(const SampledEntries& entries, int /*row*/) {
  return entries.value;
}
inline const float* row_of(const SampledSharedEntries& entries, int row) {
  return entries.value[row];
}

template <int Rows>
void pair_up(const void* from, int count, void* to) {
  using Sampled = std::conditional_t<Rows == 1, SampledEntries, SampledSharedEntries>;
  const auto* const entries = static_cast<const Sampled*>(from);
  auto* pair = static_cast<PickedPairs<Rows>*>(to);
  for (int i = 0; i < count; i += 2, ++pair) {
    const Sampled& first = entries[i];
    const bool alone = i + 1 == count;  // its partner is the same image, times zero
    const Sampled& second = entries[alone ? i : i + 1];
    for (int r = 0; r < Rows; ++r) {
      const __m512i upper = alone ? _mm512_setzero_si512() : rounded(row_of(second, r));
      _mm512_store_si512(pair->values[r], both(rounded(row_of(first, r)), upper));
    }
    _mm512_store_si512(pair->images,
                       both(_mm512_loadu_si512(first.offset), _mm512_loadu_si512(second.offset)));
  }
}

void pack(const float* first, const float* second, std::int64_t channels, void* to) {
  char* out = static_cast<char*>(to);
  for (std::int64_t c = 0; c < channels; ++c, out += 64) {
    const __m512 upper = second ? _mm512_load_ps(second + c * kBlockFloats) : _mm512_setzero_ps();
    const auto images = _mm512_cvtne2ps_pbh(upper, _mm512_load_ps(first + c * kBlockFloats));
    _mm512_store_si512(out, reinterpret_cast<__m512i>(images));
  }
}

}  // namespace

const PickKernels kAvx512Bf16PickKernels = {
    {kChannels, kPointwiseChannels, sizeof(PickedPairs<1>), products<1>, pair_up<1>},
    {kChannels / 2, kPointwiseChannels / 2, sizeof(PickedPairs<2>), products<2>, pair_up<2>},
    pack};

}  // namespace satsuma::cpu
