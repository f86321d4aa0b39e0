#include <immintrin.h>

#include <cstring>

#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/dispatch.hpp"
#include "src/cpu/kernels/interleave.hpp"

namespace satsuma::cpu {

namespace {

// 4 x 2 chains of sums hide the latency of a product. More pixels would leave room for fewer channels in the
// first-level cache, and sums would travel to and from memory more often.
constexpr int kTile = 4;
// 4 x 2 x 3 accumulators, 3 weights and four vectors in flight: 31 of 32 registers.
constexpr int kDenseTile = 4;
constexpr int kDenseRows = 3;
constexpr int kGradientRows = 6;
constexpr int kGradientVectors = 4;
constexpr int kBlockFloats = 16;

inline __m512i load(const void* at) {
  return _mm512_load_si512(at);
}

/// N:M tile of P pixels. For each row and pair of kept weights: acc[p][half] += w.first * x[first] + w.second
/// * x[second]. A wide vector holds images 4q .. 4q+3 of the first block and then of the second in its
/// quarter q, so that interleaving two channels gives the pairs of the first block (low) and of the second
/// (high).
template <int P>
void nm_tile(const TileArgs& args, const NmPairWeights& weights) {
  const char* input[P];
  for (int p = 0; p < P; ++p) input[p] = reinterpret_cast<const char*>(args.input[p]);
  const Tap* const taps_end = args.taps + args.tap_count;
  const int per_tap = weights.per_tap;
  const NmPair* row_pairs = static_cast<const NmPair*>(weights.pairs) + args.row * weights.row_stride;
  float* partial = args.partial;
  Ahead ahead(args, 1);

  for (int row = args.row; row < args.row + args.rows; ++row) {
    ahead.fetch();
    __m512 acc[P][2];
    if (args.first) {
      const __m512 start = _mm512_set1_ps(args.bias ? args.bias[row] : 0.0f);
      for (int p = 0; p < P; ++p) acc[p][0] = acc[p][1] = start;
    } else {
      for (int i = 0; i < 2 * P; ++i) acc[i / 2][i % 2] = _mm512_load_ps(partial + i * kBlockFloats);
    }
    for (const Tap* tap = args.taps; tap != taps_end; ++tap) {
      const NmPair* pair = row_pairs + static_cast<std::int64_t>(tap->index) * per_tap;
      const NmPair* const end = pair + per_tap;
      for (; pair != end; ++pair) {
        const __m512i weight = _mm512_set1_epi32(static_cast<int>(pair->weights));
        const std::int64_t first = tap->input[0] + pair->first;
        const std::int64_t second = tap->input[0] + pair->second;
        for (int p = 0; p < P; ++p) {
          const auto [low, high] = interleave(input[p] + first, input[p] + second);
          add_products(acc[p][0], low, weight);
          add_products(acc[p][1], high, weight);
        }
      }
    }
    if (args.last) {
      for (int i = 0; i < 2 * P; ++i) _mm512_store_ps(args.output[i] + row * kBlockFloats, acc[i / 2][i % 2]);
    } else {
      for (int i = 0; i < 2 * P; ++i) _mm512_store_ps(partial + i * kBlockFloats, acc[i / 2][i % 2]);
    }
    partial += 2 * P * kBlockFloats;
    row_pairs += weights.row_stride;
  }
}

/// The same for pairs of rows that share positions: what is interleaved serves two products.
template <int P>
void nm_shared_tile(const TileArgs& args, const NmPairWeights& weights) {
  const char* input[P];
  for (int p = 0; p < P; ++p) input[p] = reinterpret_cast<const char*>(args.input[p]);
  const Tap* const taps_end = args.taps + args.tap_count;
  const int per_tap = weights.per_tap;
  const auto* row_pairs =
      static_cast<const NmSharedPair*>(weights.pairs) + args.row / kSharedRows * weights.row_stride;
  float* partial = args.partial;
  Ahead ahead(args, kSharedRows);

  const int end_row = args.row + args.rows;
  for (int row = args.row; row < end_row; row += kSharedRows) {
    ahead.fetch();
    const int rows = row + 1 < end_row ? kSharedRows : 1;
    __m512 acc[kSharedRows][2 * P];
    unrolled<kSharedRows>([&](auto r) {
      const __m512 start = _mm512_set1_ps(args.bias && r < rows ? args.bias[row + r] : 0.0f);
      unrolled<2 * P>([&](auto i) {
        acc[r][i] = args.first ? start : _mm512_load_ps(partial + (r * 2 * P + i) * kBlockFloats);
      });
    });
    for (const Tap* tap = args.taps; tap != taps_end; ++tap) {
      const NmSharedPair* pair = row_pairs + static_cast<std::int64_t>(tap->index) * per_tap;
      const NmSharedPair* const end = pair + per_tap;
      for (; pair != end; ++pair) {
        __m512i weight[kSharedRows];
        unrolled<kSharedRows>(
            [&](auto r) { weight[r] = _mm512_set1_epi32(static_cast<int>(pair->weights[r])); });
        const std::int64_t first = tap->input[0] + pair->first;
        const std::int64_t second = tap->input[0] + pair->second;
        unrolled<P>([&](auto p) {
          const Interleaved x = interleave(input[p] + first, input[p] + second);
          unrolled<kSharedRows>([&](auto r) {
            add_products(acc[r][2 * p], x.low, weight[r]);
            add_products(acc[r][2 * p + 1], x.high, weight[r]);
          });
        });
      }
    }
    unrolled<kSharedRows>([&](auto r) {
      unrolled<2 * P>([&](auto i) {
        if (!args.last) {
          _mm512_store_ps(partial + (r * 2 * P + i) * kBlockFloats, acc[r][i]);
        } else if (r < rows) {
          _mm512_store_ps(args.output[i] + (row + r) * kBlockFloats, acc[r][i]);
        }
      });
    });
    partial += kSharedRows * 2 * P * kBlockFloats;
    row_pairs += weights.row_stride;
  }
}

/// Dense tile: acc[r][p][half] += the products of channels 2c and 2c + 1, interleaved once for all rows of a
/// panel.
template <int P>
void dense_tile(const TileArgs& args, const DensePairWeights& weights) {
  const char* input[P];
  for (int p = 0; p < P; ++p) input[p] = reinterpret_cast<const char*>(args.input[p]);
  const std::uint32_t* panel = weights.values + args.row / kDenseRows * weights.panel_stride;
  float* partial = args.partial;
  Ahead ahead(args, kDenseRows);

  for (int row = args.row; row < args.row + args.rows; row += kDenseRows) {
    const int rows = args.row + args.rows - row < kDenseRows ? args.row + args.rows - row : kDenseRows;
    ahead.fetch();
    __m512 acc[kDenseRows][2 * P];
    unrolled<kDenseRows>([&](auto r) {
      const __m512 start = _mm512_set1_ps(args.bias && r < rows ? args.bias[row + r] : 0.0f);
      unrolled<2 * P>([&](auto i) {
        acc[r][i] = args.first ? start : _mm512_load_ps(partial + (r * 2 * P + i) * kBlockFloats);
      });
    });
    for (int t = 0; t < args.tap_count; ++t) {
      const std::uint32_t* weight =
          panel + static_cast<std::int64_t>(args.taps[t].index) * weights.channel_pairs * kDenseRows;
      std::int64_t at = args.taps[t].input[0];
      for (int c = 0; c < weights.channel_pairs; ++c, at += 128, weight += kDenseRows) {
        __m512i value[kDenseRows];
        unrolled<kDenseRows>([&](auto r) { value[r] = _mm512_set1_epi32(static_cast<int>(weight[r])); });
        unrolled<P>([&](auto p) {
          const Interleaved x = interleave(input[p] + at, input[p] + at + 64);
          unrolled<kDenseRows>([&](auto r) {
            add_products(acc[r][2 * p], x.low, value[r]);
            add_products(acc[r][2 * p + 1], x.high, value[r]);
          });
        });
      }
    }
    unrolled<kDenseRows>([&](auto r) {
      unrolled<2 * P>([&](auto i) {
        if (!args.last) {
          _mm512_store_ps(partial + (r * 2 * P + i) * kBlockFloats, acc[r][i]);
        } else if (r < rows) {
          _mm512_store_ps(args.output[i] + (row + r) * kBlockFloats, acc[r][i]);
        }
      });
    });
    partial += kDenseRows * 2 * P * kBlockFloats;
    panel += weights.panel_stride;
  }
}

/// Weight gradient tile: R rows by V vectors of channels stay in registers over all pixel pairs.
template <int R, int V>
void gradient_tile(const GradientArgs& args) {
  __m512 acc[R][V];
  const auto target = [&](int r, int v) { return args.dw + r * args.dw_stride + v * kBlockFloats; };
  unrolled<R>([&](auto r) {
    unrolled<V>(
        [&](auto v) { acc[r][v] = args.accumulate ? _mm512_load_ps(target(r, v)) : _mm512_setzero_ps(); });
  });
  fetch_next(args, R, V * kBlockFloats);
  for (std::int64_t p = 0; p < args.pair_count; ++p) {
    const float* x = args.x + args.pairs[p].x;
    const float* const dy = args.dy + args.pairs[p].dy;
    const int count = args.pairs[p].lanes;
    for (int n = 0; n < count; ++n, x += args.x_stride) {
      __m512i column[V];
      unrolled<V>([&](auto v) { column[v] = load(x + v * kBlockFloats); });
      unrolled<R>([&](auto r) {
        std::uint32_t both;
        std::memcpy(&both, dy + r * (kBlockFloats / 2) + n, sizeof(both));
        const __m512i value = _mm512_set1_epi32(static_cast<int>(both));
        unrolled<V>([&](auto v) { add_products(acc[r][v], column[v], value); });
      });
    }
  }
  unrolled<R>([&](auto r) { unrolled<V>([&](auto v) { _mm512_store_ps(target(r, v), acc[r][v]); }); });
}

void nm(const TileArgs& args, const NmPairWeights& weights) {
  with_count<kTile>(args.count, [&](auto count) { nm_tile<count>(args, weights); });
}

void nm_shared(const TileArgs& args, const NmPairWeights& weights) {
  with_count<kTile>(args.count, [&](auto count) { nm_shared_tile<count>(args, weights); });
}

void dense(const TileArgs& args, const DensePairWeights& weights) {
  with_count<kDenseTile>(args.count, [&](auto count) { dense_tile<count>(args, weights); });
}

void gradient(const GradientArgs& args) {
  with_count<kGradientRows>(args.rows, [&](auto rows) {
    const int vectors = (args.channels + kBlockFloats - 1) / kBlockFloats;
    with_count<kGradientVectors>(vectors, [&](auto count) { gradient_tile<rows, count>(args); });
  });
}

/// Thirty-two bf16: `low` in the lower half, `high`, zeros where it is null, in the upper.
inline __m512i round_both(const float* low, const float* high) {
  const __m512 upper = high ? _mm512_load_ps(high) : _mm512_setzero_ps();
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(upper, _mm512_load_ps(low)));
}

void pack_wide(const float* first, const float* second, std::int64_t channels, void* to) {
  const __m512i quarters = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  char* out = static_cast<char*>(to);
  for (std::int64_t c = 0; c < channels; ++c, out += 64) {
    const __m512i both = round_both(first + c * kBlockFloats, second ? second + c * kBlockFloats : nullptr);
    _mm512_store_si512(out, _mm512_permutexvar_epi64(quarters, both));
  }
}

/// Sixteen channels of eight pairs of images to eight vectors of sixteen channels. Channels c and c + 8 share
/// a register, whose halves are transposed alike, 8 x 8 pairs each.
void transpose_square(const float* from, float* to, std::int64_t stride) {
  __m512i a[8];
  __m512i b[8];
  for (int i = 0; i < 8; ++i) a[i] = round_both(from + i * kBlockFloats, from + (i + 8) * kBlockFloats);
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + j + 2]);
      a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + j + 2]);
    }
  }
  // a[j] now has, in each quarter, pair j or 4 + j of four channels: 0-3, 0-3, 8-11, 8-11; a[4 + j] of the
  // others.
  const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  for (int j = 0; j < 4; ++j) {
    _mm512_store_si512(to + j * stride, _mm512_permutex2var_epi64(a[j], even, a[j + 4]));
    _mm512_store_si512(to + (j + 4) * stride, _mm512_permutex2var_epi64(a[j], odd, a[j + 4]));
  }
}

void transpose_pairs(const float* from, int channels, float* to, std::int64_t stride) {
  int c = 0;
  for (; c + kBlockFloats <= channels; c += kBlockFloats)
    transpose_square(from + c * kBlockFloats, to + c, stride);
  alignas(64) float rest[kBlockFloats * kBlockFloats];
  for (; c < stride; c += kBlockFloats) {
    const int left = channels - c > 0 ? channels - c : 0;
    std::memset(rest, 0, sizeof(rest));
    std::memcpy(rest, from + c * kBlockFloats, static_cast<std::size_t>(left) * kBlockFloats * sizeof(float));
    transpose_square(rest, to + c, stride);
  }
}

void round_rows(const float* from, std::int64_t rows, int lanes, float* to, std::int64_t stride) {
  const auto valid = static_cast<__mmask16>((1u << lanes) - 1);
  for (std::int64_t r = 0; r < rows; ++r) {
    const __m512 row = _mm512_maskz_load_ps(valid, from + r * kBlockFloats);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + r * stride),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(row)));
  }
}

}  // namespace

const Bf16Kernels kAvx512Bf16Kernels = {
    kTile,     kDenseTile, kDenseRows, kGradientRows, kGradientVectors, nm,
    nm_shared, dense,      gradient,   pack_wide,     transpose_pairs,  round_rows};

}  // namespace satsuma::cpu
