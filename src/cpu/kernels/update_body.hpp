// Included once by each instruction set's file, which defines before it kVector, Words (a vector of 32-bit
// integers), Mask (what a comparison of them gives), at_least(), choose() and differs(). Everything here has
// internal linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

using Bits = std::uint32_t __attribute__((vector_size(kVector * sizeof(std::uint32_t))));

inline Words load(const float* values) {
  Words bits;
  __builtin_memcpy(&bits, values, sizeof(bits));
  return bits;
}

inline Words smaller(Words a, Words b) {
  return a < b ? a : b;
}
inline Words larger(Words a, Words b) {
  return a > b ? a : b;
}

/// Magnitudes as integers that order as |value| does, with every NaN alike and above infinity.
inline Words ranks_of(Words values) {
  return smaller(values & 0x7fffffff, Words{} + 0x7f800001);
}

/// `keep` for lanes in which more than N have the least rank that is kept: of equals the lower positions
/// stay.
template <int N, int M>
void break_ties(const Words* ranks, Words least, Mask* keep) {
  Words room = Words{} + N;
  for (int i = 0; i < M; ++i) room = choose(at_least(ranks[i], least + 1), room - 1, room);
  for (int i = 0; i < M; ++i) {
    const Words above = choose(at_least(ranks[i], least + 1), Words{} + 1, Words{});
    const Words equal = choose(at_least(ranks[i], least), Words{} + 1, Words{}) - above;
    const Words taken = smaller(equal, room);
    room -= taken;
    keep[i] = at_least(above + taken, Words{} + 1);
  }
}

/// The kept elements of a group in each lane, and their offsets, in order of position: those that `ranked`
/// has the largest magnitudes for.
template <int N, int M>
void kept_of(const float* ranked, std::int64_t ranked_stride, const float* values, std::int64_t stride,
             const std::uint32_t* offsets, Words* value, Words* offset) {
  Words ranks[M];
  Words best[N] = {};  // the N largest so far, falling
  for (int i = 0; i < M; ++i) {
    ranks[i] = ranks_of(load(ranked + i * ranked_stride));
    Words left = ranks[i];
    for (int j = 0; j < N; ++j) {
      const Words lost = smaller(best[j], left);
      best[j] = larger(best[j], left);
      left = lost;
    }
  }
  Mask keep[M];
  Words count = {};
  for (int i = 0; i < M; ++i) {
    keep[i] = at_least(ranks[i], best[N - 1]);
    count = choose(keep[i], count + 1, count);
  }
  if (differs(count, Words{} + N)) break_ties<N, M>(ranks, best[N - 1], keep);
  for (int j = 0; j < N; ++j) value[j] = offset[j] = Words{};
  // Each lane is shifted N times, by what it keeps.
  for (int i = 0; i < M; ++i) {
    const Words next = load(values + i * stride);
    const Words at = Words{} + static_cast<std::int32_t>(offsets[i]);
    for (int j = 0; j < N; ++j) {
      value[j] = choose(keep[i], j + 1 < N ? value[j + 1] : next, value[j]);
      offset[j] = choose(keep[i], j + 1 < N ? offset[j + 1] : at, offset[j]);
    }
  }
}

/// Bits of floats, of which the upper half are those of the bf16 that BFloat16 makes.
inline Bits rounded(Words values) {
  const auto bits = reinterpret_cast<Bits>(values);
  const Words nan = (values & 0x7fffffff) > (Words{} + 0x7f800000);
  const Bits even = bits + 0x7fff + (bits >> 16 & 1);
  return (even & ~reinterpret_cast<Bits>(nan)) | ((bits | 0x400000) & reinterpret_cast<Bits>(nan));
}

template <std::size_t... I>
inline void zip(Words a, Words b, char* to, std::index_sequence<I...>) {
  const Words low = __builtin_shufflevector(a, b, (I % 2 ? kVector + I / 2 : I / 2)...);
  const Words high = __builtin_shufflevector(a, b, (kVector / 2 + (I % 2 ? kVector + I / 2 : I / 2))...);
  __builtin_memcpy(to, &low, sizeof(low));
  __builtin_memcpy(to + sizeof(low), &high, sizeof(high));
}

/// Items of eight bytes, each of two words, from slots [slot][lane] to `group`.
template <int Slots>
void put(const Words* first, const Words* second, const CompressArgs::Group& group, int lane) {
  alignas(64) char items[Slots][kVector * kItemBytes];
  for (int j = 0; j < Slots; ++j) zip(first[j], second[j], items[j], std::make_index_sequence<kVector>());
  for (int l = 0; l < kVector; ++l) {
    char* const to = group.to + (lane + l) * group.stride;
    for (int j = 0; j < Slots; ++j) std::memcpy(to + j * kItemBytes, items[j] + l * kItemBytes, kItemBytes);
  }
}

/// Items of two words for each two lanes, which have the second in common.
template <int Slots>
void put_shared(const Words* first, const Words* second, const CompressArgs::Group& group, int lane) {
  alignas(64) std::uint32_t a[Slots][kVector];
  alignas(64) std::uint32_t b[Slots][kVector];
  std::memcpy(a, first, sizeof(a));
  std::memcpy(b, second, sizeof(b));
  for (int l = 0; l < kVector; l += 2) {
    char* to = group.to + (lane + l) / 2 * group.stride;
    for (int j = 0; j < Slots; ++j, to += kSharedItemBytes) {
      const std::uint32_t item[3] = {a[j][l], a[j][l + 1], b[j][l]};
      static_assert(sizeof(item) == kSharedItemBytes);
      std::memcpy(to, item, sizeof(item));
    }
  }
}

template <int Slots>
void put_lanes(const CompressArgs& args, int g, int lane, const Words* first, const Words* second) {
  if (args.shared > 1) {
    put_shared<Slots>(first, second, args.groups[g], lane);
  } else {
    put<Slots>(first, second, args.groups[g], lane);
  }
}

/// `ranked` [position][lane] says what is kept.
template <int N, int M>
void compress_group(const CompressArgs& args, const float* ranked, std::int64_t ranked_stride, int g,
                    int lane) {
  Words value[N];
  Words offset[N];
  kept_of<N, M>(ranked + g * M * ranked_stride + lane, ranked_stride,
                args.values + g * M * args.stride + lane, args.stride, args.offsets + g * M, value, offset);
  if (!args.pairs) return put_lanes<N>(args, g, lane, value, offset);
  if constexpr (N % 2 == 0) {
    Words weights[N / 2];
    Words offsets[N / 2];
    for (int j = 0; j < N / 2; ++j) {
      weights[j] =
          reinterpret_cast<Words>((rounded(value[2 * j]) >> 16) | (rounded(value[2 * j + 1]) & 0xffff0000));
      offsets[j] = offset[2 * j] | offset[2 * j + 1] << 16;
    }
    put_lanes<N / 2>(args, g, lane, weights, offsets);
  }
}

/// Sums of squares of the lanes that share positions, in each of them, [position][16]: added pairwise as
/// compress_reference() does.
void sums_of_squares(const CompressArgs& args, float* sums) {
  using Sixteen = float __attribute__((vector_size(64)));
  for (int i = 0; i < kSquare; ++i) {
    Sixteen s;
    __builtin_memcpy(&s, args.values + i * args.stride, sizeof(s));
    s *= s;
    s += __builtin_shufflevector(s, s, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    if (args.shared > 2)
      s += __builtin_shufflevector(s, s, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    if (args.shared > 4)
      s += __builtin_shufflevector(s, s, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
    if (args.shared > 8)
      s += __builtin_shufflevector(s, s, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    __builtin_memcpy(sums + i * kSquare, &s, sizeof(s));
  }
}

template <int M>
void compress_groups(const CompressArgs& args) {
  alignas(64) float sums[kSquare * kSquare];
  const bool shared = args.shared > 1;
  if (shared) sums_of_squares(args, sums);
  const float* const ranked = shared ? sums : args.values;
  const std::int64_t stride = shared ? kSquare : args.stride;
  with_count<std::min(M - 1, kMostKept)>(args.n, [&](auto n) {
    for (int lane = 0; lane < kSquare; lane += kVector) {
      for (int g = 0; g < kSquare / M; ++g) compress_group<n, M>(args, ranked, stride, g, lane);
    }
  });
}

void compress(const CompressArgs& args) {
  switch (args.m) {
    case 2:
      return compress_groups<2>(args);
    case 4:
      return compress_groups<4>(args);
    case 8:
      return compress_groups<8>(args);
    default:
      return compress_groups<16>(args);
  }
}

}  // namespace

}  // namespace satsuma::cpu
