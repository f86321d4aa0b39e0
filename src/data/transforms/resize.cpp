#include "src/data/transforms/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "src/core/per_thread.hpp"

namespace satsuma::data {

namespace {

constexpr int kWeightBits = 22;  ///< 255 << 22 is just below 2^30: a sum of weights of one stays in 32 bits
constexpr std::int32_t kHalf = std::int32_t{1} << (kWeightBits - 1);

/// The input pixels of each output pixel along one axis, and their weights: `count` of them from `first` on,
/// some of weight zero, none beyond the end.
struct Taps {
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> weights;  // [to][count]
  std::int64_t count = 0;

  const std::int32_t* of(std::size_t i) const { return weights.data() + i * static_cast<std::size_t>(count); }
};

Taps triangle_taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);  // in input pixels, half the width of the triangle
  const auto centre = [&](std::int64_t i) { return (static_cast<double>(i) + 0.5) * scale; };
  const auto first = [&](std::int64_t i) {
    return std::max<std::int64_t>(static_cast<std::int64_t>(centre(i) - support + 0.5), 0);
  };
  const auto last = [&](std::int64_t i) {
    return std::min<std::int64_t>(static_cast<std::int64_t>(centre(i) + support + 0.5), from);
  };
  Taps taps;
  for (std::int64_t i = 0; i < to; ++i) taps.count = std::max(taps.count, last(i) - first(i));
  taps.weights.resize(static_cast<std::size_t>(to * taps.count));
  std::vector<double> exact(static_cast<std::size_t>(taps.count));
  for (std::int64_t i = 0; i < to; ++i) {
    const std::int64_t count = last(i) - first(i);
    double sum = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      const double distance =
          std::abs((static_cast<double>(j + first(i)) - centre(i) + 0.5) * (1.0 / support));
      exact[static_cast<std::size_t>(j)] = distance < 1.0 ? 1.0 - distance : 0.0;
      sum += exact[static_cast<std::size_t>(j)];
    }
    taps.first.push_back(std::min(first(i), from - taps.count));
    std::int32_t* const weights = taps.weights.data() + i * taps.count + (first(i) - taps.first.back());
    for (std::int64_t j = 0; j < count; ++j) {
      weights[j] = static_cast<std::int32_t>(0.5 + exact[static_cast<std::size_t>(j)] / sum *
                                                       static_cast<double>(1 << kWeightBits));
    }
  }
  return taps;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp<std::int32_t>(sum >> kWeightBits, 0, 255));
}

/// One row; `Channels` and `Count` are constants for the usual numbers, so that the sums stay in registers.
template <typename Channels, typename Count>
void along_row(const std::uint8_t* from, const Taps& taps, Channels channels, Count count, std::uint8_t* to) {
  constexpr std::int64_t kAtOnce = 4;  // channels
  const std::size_t width = taps.first.size();
  for (std::size_t x = 0; x < width; ++x, to += channels) {
    const std::int32_t* const weights = taps.of(x);
    const std::uint8_t* const pixels = from + taps.first[x] * channels;
    for (std::int64_t begin = 0; begin < channels; begin += kAtOnce) {
      const std::int64_t end = std::min<std::int64_t>(channels - begin, kAtOnce);
      std::int32_t sums[kAtOnce] = {kHalf, kHalf, kHalf, kHalf};
      for (std::int64_t j = 0; j < count; ++j) {
        for (std::int64_t c = 0; c < end; ++c) sums[c] += pixels[j * channels + begin + c] * weights[j];
      }
      for (std::int64_t c = 0; c < end; ++c) to[begin + c] = to_byte(sums[c]);
    }
  }
}

template <std::int64_t kValue>
using Constant = std::integral_constant<std::int64_t, kValue>;

template <typename Channels>
void along_row(const std::uint8_t* from, const Taps& taps, Channels channels, std::uint8_t* to) {
  switch (taps.count) {
    case 2:  // enlarged
      return along_row(from, taps, channels, Constant<2>{}, to);
    case 3:  // to two thirds
      return along_row(from, taps, channels, Constant<3>{}, to);
    case 4:  // to the half
      return along_row(from, taps, channels, Constant<4>{}, to);
    default:
      return along_row(from, taps, channels, taps.count, to);
  }
}

void along_row(const std::uint8_t* from, const Taps& taps, std::int64_t channels, std::uint8_t* to) {
  switch (channels) {
    case 1:
      return along_row(from, taps, Constant<1>{}, to);
    case 3:
      return along_row(from, taps, Constant<3>{}, to);
    default:
      return along_row<std::int64_t>(from, taps, channels, to);
  }
}

/// The pixels of `box`, `width` of them in each row.
void resize_rows(const Image& from, const Box& box, std::int64_t width, Image& to) {
  to.resize(from.channels, box.height, width);
  const Taps taps = width == box.width ? Taps{} : triangle_taps(box.width, width);
  for (std::int64_t y = 0; y < box.height; ++y) {
    const std::uint8_t* const source = from.row(box.top + y) + box.left * from.channels;
    if (width == box.width) {
      std::copy_n(source, width * from.channels, to.row(y));
    } else {
      along_row(source, taps, from.channels, to.row(y));
    }
  }
}

/// The pixels of `box` in `height` rows.
void resize_columns(const Image& from, const Box& box, std::int64_t height, Image& to) {
  to.resize(from.channels, height, box.width);
  const Taps taps = triangle_taps(box.height, height);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(box.width * from.channels));
  for (std::int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const auto i = static_cast<std::size_t>(y);
    for (std::int64_t j = 0; j < taps.count; ++j) {
      const std::int32_t weight = taps.of(i)[j];
      if (weight == 0) continue;
      const std::uint8_t* const row = from.row(box.top + taps.first[i] + j) + box.left * from.channels;
      for (std::size_t b = 0; b < sums.size(); ++b) sums[b] += row[b] * weight;
    }
    std::transform(sums.begin(), sums.end(), to.row(y), to_byte);
  }
}

}  // namespace

void resize_bilinear(const Image& from, const Box& box, std::int64_t height, std::int64_t width, Image& to) {
  if (height == box.height) return resize_rows(from, box, width, to);
  if (width == box.width) return resize_columns(from, box, height, to);
  const std::int64_t rows_less = box.height - height;
  const std::int64_t columns_less = box.width - width;
  static PerThread<Image> betweens;  // they grow once
  Image& between = betweens.get();
  if (rows_less > 0 && rows_less > 2 * columns_less) {
    resize_columns(from, box, height, between);
    resize_rows(between, {0, 0, height, box.width}, width, to);
  } else {
    resize_rows(from, box, width, between);
    resize_columns(between, {0, 0, box.height, width}, height, to);
  }
}

}  // namespace satsuma::data
