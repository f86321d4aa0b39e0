#include "src/data/transforms/tone.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

namespace satsuma::data {

namespace {

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

Table unchanged() {
  Table table{};
  std::iota(table.begin(), table.end(), std::uint8_t{0});
  return table;
}

/// Each channel by the table that `make` has for its histogram.
template <typename Make>
void by_channel(Image& image, Make make) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    Histogram histogram{};
    for (std::size_t i = c; i < image.pixels.size(); i += channels) ++histogram[image.pixels[i]];
    const Table table = make(histogram);
    for (std::size_t i = c; i < image.pixels.size(); i += channels) image.pixels[i] = table[image.pixels[i]];
  }
}

/// The greatest byte that occurs.
std::size_t last_of(const Histogram& histogram) {
  std::size_t last = histogram.size() - 1;
  while (last > 0 && histogram[last] == 0) --last;
  return last;
}

}  // namespace

void posterize(Image& image, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  for (std::uint8_t& byte : image.pixels) byte &= mask;
}

void solarize(Image& image, double threshold) {
  for (std::uint8_t& byte : image.pixels) {
    if (byte >= threshold) byte = static_cast<std::uint8_t>(255 - byte);
  }
}

void auto_contrast(Image& image) {
  by_channel(image, [](const Histogram& histogram) {
    Table table = unchanged();
    const std::size_t high = last_of(histogram);
    std::size_t low = 0;
    while (low < high && histogram[low] == 0) ++low;
    if (high <= low) return table;
    const double scale = 255.0 / static_cast<double>(high - low);
    const double offset = -static_cast<double>(low) * scale;
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<std::uint8_t>(
          std::clamp(static_cast<int>(static_cast<double>(i) * scale + offset), 0, 255));
    }
    return table;
  });
}

void equalize(Image& image) {
  by_channel(image, [](const Histogram& histogram) {
    Table table = unchanged();
    const std::int64_t all = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
    const std::int64_t step = (all - histogram[last_of(histogram)]) / 255;
    if (step == 0) return table;
    std::int64_t sum = step / 2;
    for (std::size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<std::uint8_t>(std::min<std::int64_t>(sum / step, 255));
      sum += histogram[i];
    }
    return table;
  });
}

}  // namespace satsuma::data
