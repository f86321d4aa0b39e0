// The N:M kernel of instruction sets that can permute a vector, included behind channels_last_body.hpp. They
// define kNmPixels, group_mask(), load_group(), load_order() and permute() first.

namespace satsuma::cpu {

namespace {

static_assert(kNmPixels <= kMostPixels);

/// acc[t][v] += w[tap][j][v] * (the inputs of a group, permuted so that each lane has the one it keeps).
template <int T>
void nm_pixels(const PanelTile& tile, const NmPanel& weights) {
  Vec acc[T][kVectors];
  start<T>(tile, acc);
  const auto group = [&](const float* const(&x)[T], std::int64_t at, auto mask, int kept, const float*& w,
                         const std::uint8_t*& index) __attribute__((always_inline)) {
    Vec inputs[T];
    for (int t = 0; t < T; ++t) inputs[t] = load_group(x[t] + at, mask);
    for (int j = 0; j < kept; ++j, w += kPanel, index += kPanel) {
      for (int v = 0; v < kVectors; ++v) {
        const Vec value = load(w + v * kVector);
        const auto order = load_order(index + v * kVector);
        for (int t = 0; t < T; ++t) acc[t][v] += value * permute(inputs[t], order);
      }
    }
  };
  const auto whole = group_mask(weights.m);
  const auto rest = group_mask(weights.rest);
  for (int i = 0; i < tile.tap_count; ++i) {
    const float* x[T];
    for (int t = 0; t < T; ++t) x[t] = tile.input[i * T + t];
    const std::int64_t first = tile.taps[i] * weights.kept * kPanel;
    const float* w = weights.values + first;
    const std::uint8_t* index = weights.indices + first;
    const std::int64_t end = weights.groups * weights.m;
    for (std::int64_t at = 0; at < end; at += weights.m) group(x, at, whole, weights.n, w, index);
    if (weights.rest > 0) group(x, end, rest, weights.rest_kept, w, index);
  }
  finish<T>(tile, acc);
}

void nm(const PanelTile& tile, const NmPanel& weights) {
  with_count<kNmPixels>(tile.pixels, [&](auto count) { nm_pixels<count>(tile, weights); });
}

}  // namespace

}  // namespace satsuma::cpu
