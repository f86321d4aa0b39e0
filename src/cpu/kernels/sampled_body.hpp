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

/// T kernel positions by V vectors of a row of dw stay in registers over all entries.
template <int T, int V>
void products_of(const SampledTile& tile) {
  const char* x[T];
  for (int t = 0; t < T; ++t) x[t] = tile.x + tile.taps[t];
  const auto* const begin = static_cast<const SampledEntries*>(tile.entries);
  const SampledEntries* const end = begin + tile.count;
  float* dw = tile.dw;
  for (int row = 0; row < tile.rows; ++row, dw += tile.row_stride) {
    Vec acc[T][V];
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < V; ++v) {
        float* const at = dw + t * tile.tap_stride + v * kVector;
        acc[t][v] = tile.accumulate ? load(at) : Vec{};
        if (v * kVector % 16 == 0) __builtin_prefetch(at + kRowsAhead * tile.row_stride, 1);
      }
    }
    for (const SampledEntries* entry = begin; entry != end; ++entry) {
      const Vec value = splat(entry->value[row]);
      const std::uint64_t offset = entry->offset[row];
      for (int t = 0; t < T; ++t) {
        for (int v = 0; v < V; ++v) acc[t][v] += value * load(x[t] + offset + v * kVector * 4);
      }
    }
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < V; ++v) *reinterpret_cast<Vec*>(dw + t * tile.tap_stride + v * kVector) = acc[t][v];
    }
  }
}

void products(const SampledTile& tile) {
  with_count<kMostSampledTaps>(tile.tap_count, [&](auto taps) {
    with_count<kMostSampledVectors>(tile.vectors, [&](auto vectors) { products_of<taps, vectors>(tile); });
  });
}

}  // namespace

}  // namespace satsuma::cpu
