// Included once by each instruction set's file, which defines kVector and the tile sizes first. Everything
// here has internal linkage, so that no code compiled for one instruction set can be taken for another's.

namespace satsuma::cpu {

namespace {

constexpr int kLaneFloats = 16;

using Vec = float __attribute__((vector_size(kVector * sizeof(float)), aligned(kVector * sizeof(float))));

inline Vec load(const void* at) {
  return *static_cast<const Vec*>(at);
}
inline Vec load_anywhere(const float* at) {
  Vec value;
  __builtin_memcpy(&value, at, sizeof(value));
  return value;
}
inline void store(float* at, Vec value) {
  *reinterpret_cast<Vec*>(at) = value;
}
inline Vec splat(float value) {
  return value - Vec{};
}
/// Keeps a loaded vector in its register: folded into each of its uses as a memory operand it would be loaded
/// again for every one, and loads, not products, would be the limit.
inline Vec in_register(Vec value) {
  asm("" : "+v"(value));
  return value;
}

/// N:M tile. For each row (output channel): acc[line][t] += value * input[t][tap[line] + offset]: one
/// broadcast for L * T products. The vectors of outputs stay in registers; a kept weight is a scalar and a
/// byte offset, a zero costs nothing. Every product has a load of its own, and loads are the limit.
template <int T, int L>
void nm_tile(const TileArgs& args, const NmWeights& weights) {
  const char* input[T];
  for (int t = 0; t < T; ++t) input[t] = reinterpret_cast<const char*>(args.input[t]);
  const Tap* const taps = args.taps;
  const Tap* const taps_end = taps + args.tap_count;
  const int per_tap = weights.per_tap;
  const NmEntry* row_entries = static_cast<const NmEntry*>(weights.entries) + args.row * weights.row_stride;
  float* partial = args.partial;

  Ahead ahead(args, 1);

  for (int row = args.row; row < args.row + args.rows; ++row) {
    ahead.fetch();
    Vec acc[L * T];
    if (args.first) {
      const Vec start = splat(args.bias ? args.bias[row] : 0.0f);
      for (int i = 0; i < L * T; ++i) acc[i] = start;
    } else {
      for (int i = 0; i < L * T; ++i) acc[i] = load(partial + i * kVector);
    }
    for (const Tap* tap = taps; tap != taps_end; ++tap) {
      const NmEntry* entry = row_entries + static_cast<std::int64_t>(tap->index) * per_tap;
      for (int j = 0; j < per_tap; ++j) {
        const Vec value = splat(entry[j].value);
        for (int l = 0; l < L; ++l) {
          const std::int64_t at = tap->input[l] + entry[j].offset;
          for (int t = 0; t < T; ++t) acc[l * T + t] += value * load(input[t] + at);
        }
      }
    }
    if (args.last) {
      for (int i = 0; i < L * T; ++i) store(args.output[i] + row * kLaneFloats, acc[i]);
    } else {
      for (int i = 0; i < L * T; ++i) store(partial + i * kVector, acc[i]);
    }
    partial += L * T * kVector;
    row_entries += weights.row_stride;
  }
}

/// N:M tile of pairs of rows that share positions: each vector of inputs is loaded once for two products.
/// A kernel of its own: one for any number of rows made GCC 12 keep sums in memory, 12 % slower.
template <int T, int L>
void nm_shared_tile(const TileArgs& args, const NmWeights& weights) {
  constexpr int kSums = L * T;
  const char* input[T];
  for (int t = 0; t < T; ++t) input[t] = reinterpret_cast<const char*>(args.input[t]);
  const Tap* const taps = args.taps;
  const Tap* const taps_end = taps + args.tap_count;
  const int per_tap = weights.per_tap;
  const auto* row_entries =
      static_cast<const NmSharedEntry*>(weights.entries) + args.row / kSharedRows * weights.row_stride;
  float* partial = args.partial;

  Ahead ahead(args, kSharedRows);

  const int end_row = args.row + args.rows;
  for (int row = args.row; row < end_row; row += kSharedRows) {
    ahead.fetch();
    const bool both = row + 1 < end_row;
    Vec upper[kSums];
    Vec lower[kSums];
    if (args.first) {
      const Vec start = splat(args.bias ? args.bias[row] : 0.0f);
      const Vec next = splat(args.bias && both ? args.bias[row + 1] : 0.0f);
      for (int i = 0; i < kSums; ++i) {
        upper[i] = start;
        lower[i] = next;
      }
    } else {
      for (int i = 0; i < kSums; ++i) {
        upper[i] = load(partial + i * kVector);
        lower[i] = load(partial + (kSums + i) * kVector);
      }
    }
    for (const Tap* tap = taps; tap != taps_end; ++tap) {
      const NmSharedEntry* entry = row_entries + static_cast<std::int64_t>(tap->index) * per_tap;
      for (int j = 0; j < per_tap; ++j) {
        const Vec value = in_register(splat(entry[j].value[0]));
        const Vec next = in_register(splat(entry[j].value[1]));
        for (int l = 0; l < L; ++l) {
          const std::int64_t at = tap->input[l] + entry[j].offset;
          for (int t = 0; t < T; ++t) {
            const Vec x = in_register(load(input[t] + at));
            upper[l * T + t] += value * x;
            lower[l * T + t] += next * x;
          }
        }
      }
    }
    if (args.last) {
      for (int i = 0; i < kSums; ++i) store(args.output[i] + row * kLaneFloats, upper[i]);
      if (both) {
        for (int i = 0; i < kSums; ++i) store(args.output[i] + (row + 1) * kLaneFloats, lower[i]);
      }
    } else {
      for (int i = 0; i < kSums; ++i) {
        store(partial + i * kVector, upper[i]);
        store(partial + (kSums + i) * kVector, lower[i]);
      }
    }
    partial += kSharedRows * kSums * kVector;
    row_entries += weights.row_stride;
  }
}

/// Dense tile. For each panel of kDenseRows rows: acc[r][line][t] += weight[tap][c][r] * input[t][tap[line] +
/// c].
template <int T, int L>
void dense_tile(const TileArgs& args, const DenseWeights& weights) {
  const char* input[T];
  for (int t = 0; t < T; ++t) input[t] = reinterpret_cast<const char*>(args.input[t]);
  float* partial = args.partial;
  const float* panel = weights.values + args.row / kDenseRows * weights.panel_stride;
  Ahead ahead(args, kDenseRows);

  for (int row = args.row; row < args.row + args.rows; row += kDenseRows) {
    const int rows = args.row + args.rows - row < kDenseRows ? args.row + args.rows - row : kDenseRows;
    ahead.fetch();
    Vec acc[kDenseRows][L * T];
    for (int r = 0; r < kDenseRows; ++r) {
      if (args.first) {
        const Vec start = splat(args.bias && r < rows ? args.bias[row + r] : 0.0f);
        for (int i = 0; i < L * T; ++i) acc[r][i] = start;
      } else {
        for (int i = 0; i < L * T; ++i) acc[r][i] = load(partial + (r * L * T + i) * kVector);
      }
    }
    for (int tap = 0; tap < args.tap_count; ++tap) {
      const float* weight =
          panel + static_cast<std::int64_t>(args.taps[tap].index) * weights.channels * kDenseRows;
      const std::int64_t* const at = args.taps[tap].input;
      const std::int64_t end = static_cast<std::int64_t>(weights.channels) * kLaneFloats * 4;
      for (std::int64_t c = 0; c != end; c += kLaneFloats * 4, weight += kDenseRows) {
        Vec x[L * T];
        for (int i = 0; i < L * T; ++i) x[i] = in_register(load(input[i % T] + at[i / T] + c));
        for (int r = 0; r < kDenseRows; ++r) {
          const Vec value = in_register(splat(weight[r]));
          for (int i = 0; i < L * T; ++i) acc[r][i] += value * x[i];
        }
      }
    }
    if (args.last) {
      for (int r = 0; r < rows; ++r) {
        for (int i = 0; i < L * T; ++i) store(args.output[i] + (row + r) * kLaneFloats, acc[r][i]);
      }
    } else {
      for (int r = 0; r < kDenseRows; ++r) {
        for (int i = 0; i < L * T; ++i) store(partial + (r * L * T + i) * kVector, acc[r][i]);
      }
    }
    partial += kDenseRows * L * T * kVector;
    panel += weights.panel_stride;
  }
}

/// Weight gradient tile: R rows by V vectors of channels stay in registers over all pixel pairs.
template <int R, int V>
void gradient_tile(const GradientArgs& args) {
  Vec acc[R][V];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      acc[r][v] = args.accumulate ? load(args.dw + r * args.dw_stride + v * kVector) : Vec{};
    }
  }
  fetch_next(args, R, V * kVector);
  const std::int64_t stride = args.x_stride;
  for (std::int64_t p = 0; p < args.pair_count; ++p) {
    const float* x = args.x + args.pairs[p].x;
    const float* const dy = args.dy + args.pairs[p].dy;
    const int lanes = args.pairs[p].lanes;
    for (int n = 0; n < lanes; ++n, x += stride) {
      Vec column[V];
      for (int v = 0; v < V; ++v) column[v] = in_register(load(x + v * kVector));
      for (int r = 0; r < R; ++r) {
        const Vec value = in_register(splat(dy[r * kLaneFloats + n]));
        for (int v = 0; v < V; ++v) acc[r][v] += value * column[v];
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) store(args.dw + r * args.dw_stride + v * kVector, acc[r][v]);
  }
}

void nm(const TileArgs& args, const NmWeights& weights) {
  if (args.lines == 2) {
    with_count<kTile / 2>(args.count, [&](auto count) { nm_tile<count, 2>(args, weights); });
  } else {
    with_count<kTile>(args.count, [&](auto count) { nm_tile<count, 1>(args, weights); });
  }
}

void nm_shared(const TileArgs& args, const NmWeights& weights) {
  if (args.lines == 2) {
    with_count<kSharedTile / 2>(args.count, [&](auto count) { nm_shared_tile<count, 2>(args, weights); });
  } else {
    with_count<kSharedTile>(args.count, [&](auto count) { nm_shared_tile<count, 1>(args, weights); });
  }
}

void dense(const TileArgs& args, const DenseWeights& weights) {
  if (args.lines == 2) {
    with_count<kDenseTile / 2>(args.count, [&](auto count) { dense_tile<count, 2>(args, weights); });
  } else {
    with_count<kDenseTile>(args.count, [&](auto count) { dense_tile<count, 1>(args, weights); });
  }
}

void gradient(const GradientArgs& args) {
  with_count<kGradientRows>(args.rows, [&](auto rows) {
    const int vectors = (args.channels + kVector - 1) / kVector;
    with_count<kGradientVectors>(vectors, [&](auto count) { gradient_tile<rows, count>(args); });
  });
}

/// a0 b0 a1 b1 ... of the lower (Upper = 0) or upper halves of two vectors.
template <int Upper, std::size_t... I>
inline Vec zip(Vec a, Vec b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b,
                                 (static_cast<int>(I / 2) + Upper * kVector / 2 + (I % 2 ? kVector : 0))...);
}

/// A square of kVector floats: zipping the first half of the rows with the second, log2(kVector) times,
/// transposes it.
inline void transpose_registers(const float* from, std::int64_t from_stride, float* to,
                                std::int64_t to_stride) {
  constexpr auto kIndex = std::make_index_sequence<kVector>();
  Vec a[kVector];
  Vec b[kVector];
  for (int i = 0; i < kVector; ++i) a[i] = load_anywhere(from + i * from_stride);
  for (int round = 1; round < kVector; round *= 2) {
    for (int i = 0; i < kVector / 2; ++i) {
      b[2 * i] = zip<0>(a[i], a[i + kVector / 2], kIndex);
      b[2 * i + 1] = zip<1>(a[i], a[i + kVector / 2], kIndex);
    }
    for (int i = 0; i < kVector; ++i) a[i] = b[i];
  }
  for (int i = 0; i < kVector; ++i) store(to + i * to_stride, a[i]);
}

void transpose_square(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  for (int i = 0; i < kLaneFloats; i += kVector) {
    for (int j = 0; j < kLaneFloats; j += kVector) {
      transpose_registers(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
    }
  }
}

void transpose(const float* from, int channels, float* to, std::int64_t stride) {
  int c = 0;
  for (; c + kLaneFloats <= channels; c += kLaneFloats) {
    transpose_square(from + c * kLaneFloats, kLaneFloats, to + c, stride);
  }
  for (int n = 0; n < kLaneFloats; ++n) {
    for (std::int64_t rest = c; rest < stride; ++rest) {
      to[n * stride + rest] = rest < channels ? from[rest * kLaneFloats + n] : 0.0f;
    }
  }
}

using Words = std::int32_t __attribute__((vector_size(kVector * sizeof(std::int32_t)), aligned(kVector * 4)));

/// `mask` is all ones where `yes` is wanted and zero elsewhere.
inline Words choose(Words mask, Words yes, Words no) {
  return (yes & mask) | (no & ~mask);
}

/// Magnitudes as integers that order as |value| does, with every NaN alike and above infinity.
inline Words ranks_of(const float* values) {
  Words bits;
  __builtin_memcpy(&bits, values, sizeof(bits));
  bits &= 0x7fffffff;
  const Words nan = Words{} + 0x7f800001;
  return choose(bits > nan, nan, bits);
}

/// `kept` rounds of "largest that is left, the lowest position among equals", for sixteen groups in step.
void select(const SelectArgs& args) {
  Words ranks[64];
  for (int lane = 0; lane < kLaneFloats; lane += kVector) {
    for (int i = 0; i < args.length; ++i) ranks[i] = ranks_of(args.values + i * kLaneFloats + lane);
    Words low{};
    Words high{};
    for (int round = 0; round < args.kept; ++round) {
      Words best = Words{} - 1;
      Words at{};
      for (int i = 0; i < args.length; ++i) {
        const Words better = ranks[i] > best;
        best = choose(better, ranks[i], best);
        at = choose(better, Words{} + i, at);
      }
      for (int i = 0; i < args.length; ++i) ranks[i] |= at == i;  // -1: out of the running
      const Words bit = (Words{} + 1) << (at & 31);
      low |= bit & (at < 32);
      high |= bit & (at >= 32);
    }
    __builtin_memcpy(args.chosen + lane, &low, sizeof(low));
    __builtin_memcpy(args.chosen + kLaneFloats + lane, &high, sizeof(high));
  }
}

constexpr Kernels table() {
  return {kVector, kTile,     kSharedTile, kDenseTile, kDenseRows, kGradientRows,    kGradientVectors,
          nm,      nm_shared, dense,       gradient,   select,     transpose_square, transpose};
}

}  // namespace

}  // namespace satsuma::cpu
