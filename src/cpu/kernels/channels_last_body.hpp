// Included once by each instruction set's file, which defines kVector and kPixels first. Everything here has
// internal linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

constexpr int kVectors = 2;
constexpr int kPanel = kVectors * kVector;
static_assert(kPanel <= kMostPanel && kPixels <= kMostPixels);

using Vec = float __attribute__((vector_size(kVector * sizeof(float)), aligned(4), may_alias));

inline Vec load(const float* at) {
  return *reinterpret_cast<const Vec*>(at);
}
inline Vec splat(float value) {
  return value - Vec{};
}

/// Sums of a tile start from the bias.
template <int T>
inline void start(const PanelTile& tile, Vec (&acc)[T][kVectors]) {
  alignas(64) float first[kPanel] = {};
  if (tile.bias != nullptr) __builtin_memcpy(first, tile.bias, static_cast<std::size_t>(tile.outputs) * 4);
  for (int t = 0; t < T; ++t) {
    for (int v = 0; v < kVectors; ++v) acc[t][v] = load(first + v * kVector);
  }
}

template <int T>
inline void finish(const PanelTile& tile, const Vec (&acc)[T][kVectors]) {
  if (tile.outputs == kPanel) {
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vec*>(tile.output[t] + v * kVector) = acc[t][v];
    }
    return;
  }
  // Through memory of their own: sums whose address is taken would not stay in registers.
  for (int t = 0; t < T; ++t) {
    alignas(64) float whole[kPanel];
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vec*>(whole + v * kVector) = acc[t][v];
    __builtin_memcpy(tile.output[t], whole, static_cast<std::size_t>(tile.outputs) * 4);
  }
}

/// acc[t][v] += x[t][tap][c] * w[tap][c][v]: one vector of weights for T products, one broadcast for two.
template <int T>
void dense_pixels(const PanelTile& tile, const DensePanel& weights) {
  Vec acc[T][kVectors];
  start<T>(tile, acc);
  const std::int64_t channels = weights.channels;
  for (int i = 0; i < tile.tap_count; ++i) {
    const float* x[T];
    for (int t = 0; t < T; ++t) x[t] = tile.input[i * T + t];
    const float* w = weights.values + tile.taps[i] * channels * kPanel;
    for (std::int64_t c = 0; c < channels; ++c, w += kPanel) {
      Vec column[kVectors];
      for (int v = 0; v < kVectors; ++v) column[v] = load(w + v * kVector);
      for (int t = 0; t < T; ++t) {
        const Vec value = splat(x[t][c]);
        for (int v = 0; v < kVectors; ++v) acc[t][v] += value * column[v];
      }
    }
  }
  finish<T>(tile, acc);
}

void dense(const PanelTile& tile, const DensePanel& weights) {
  with_count<kPixels>(tile.pixels, [&](auto count) { dense_pixels<count>(tile, weights); });
}

}  // namespace

}  // namespace satsuma::cpu
