// Included once by each instruction set's file, which defines kVector first. Everything here has internal
// linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

using Vec = float __attribute__((vector_size(kVector * sizeof(float)), aligned(kVector * sizeof(float))));

inline Vec load(const void* at) {
  return *static_cast<const Vec*>(at);
}
inline Vec splat(float value) {
  return value - Vec{};
}

/// Rows ahead whose dw is fetched meanwhile: rows lie too far apart for the processor to guess.
constexpr int kRowsAhead = 2;

inline Vec in_register(Vec value) {
  asm("" : "+v"(value));
  return value;
}

inline float value_of(const SampledEntries& entry, int /*row*/, int lane) {
  return entry.value[lane];
}
inline float value_of(const SampledSharedEntries& entry, int row, int lane) {
  return entry.value[row][lane];
}

/// T kernel positions by V vectors of a row of dw, or of Rows rows, stay in registers over all entries.
template <int Rows, int T, int V>
void products_of(const SampledTile& tile) {
  using Entry = std::conditional_t<Rows == 1, SampledEntries, SampledSharedEntries>;
  const char* x[T];
  for (int t = 0; t < T; ++t) x[t] = tile.x + tile.taps[t];
  const auto* const begin = static_cast<const Entry*>(tile.entries);
  const Entry* const end = begin + tile.count;
  float* dw = tile.dw;
  for (int row = 0, lane = 0; row < tile.rows; row += Rows, ++lane, dw += Rows * tile.row_stride) {
    const int rows = Rows == 1 || row + 1 < tile.rows ? Rows : 1;
    Vec acc[Rows][T][V];
    for (int r = 0; r < Rows; ++r) {
      for (int t = 0; t < T; ++t) {
        for (int v = 0; v < V; ++v) {
          float* const at = dw + r * tile.row_stride + t * tile.tap_stride + v * kVector;
          acc[r][t][v] = tile.accumulate && r < rows ? load(at) : Vec{};
          if (v * kVector % 16 == 0) __builtin_prefetch(at + kRowsAhead * tile.row_stride, 1);
        }
      }
    }
    for (const Entry* entry = begin; entry != end; ++entry) {
      const std::uint64_t offset = entry->offset[lane];
      if constexpr (Rows == 1) {
        const Vec value = splat(value_of(*entry, 0, lane));
        for (int t = 0; t < T; ++t) {
          for (int v = 0; v < V; ++v) acc[0][t][v] += value * load(x[t] + offset + v * kVector * 4);
        }
      } else {
        Vec value[Rows];
        for (int r = 0; r < Rows; ++r) value[r] = in_register(splat(value_of(*entry, r, lane)));
        for (int t = 0; t < T; ++t) {
          for (int v = 0; v < V; ++v) {
            const Vec input = in_register(load(x[t] + offset + v * kVector * 4));
            for (int r = 0; r < Rows; ++r) acc[r][t][v] += value[r] * input;
          }
        }
      }
    }
    for (int r = 0; r < Rows; ++r) {
      if (r >= rows) break;
      for (int t = 0; t < T; ++t) {
        for (int v = 0; v < V; ++v) {
          *reinterpret_cast<Vec*>(dw + r * tile.row_stride + t * tile.tap_stride + v * kVector) =
              acc[r][t][v];
        }
      }
    }
  }
}

void products(const SampledTile& tile) {
  with_count<kMostSampledTaps>(tile.tap_count, [&](auto taps) {
    with_count<kMostSampledVectors>(tile.vectors, [&](auto vectors) { products_of<1, taps, vectors>(tile); });
  });
}

void shared_products(const SampledTile& tile) {
  with_count<kMostSampledTaps>(tile.tap_count, [&](auto taps) {
    constexpr int kMost = taps == kMostSampledTaps ? kSharedVectors : kMostSampledVectors;
    with_count<kMost>(tile.vectors, [&](auto vectors) { products_of<2, taps, vectors>(tile); });
  });
}

constexpr SampledKernels table() {
  return {kVector,
          {kMostSampledVectors, kMostSampledVectors, sizeof(SampledEntries), products},
          {kSharedVectors, kMostSampledVectors, sizeof(SampledSharedEntries), shared_products}};
}

}  // namespace

}  // namespace satsuma::cpu
