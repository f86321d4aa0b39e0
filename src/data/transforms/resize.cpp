#include "src/data/transforms/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace satsuma::data {

namespace {

constexpr int kWeightBits = 22;  ///< 255 << 22 is just below 2^30: a sum of weights of one stays in 32 bits
constexpr std::int32_t kHalf = std::int32_t{1} << (kWeightBits - 1);

/// The input pixels of each output pixel along one axis, and their weights.
struct Taps {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<std::int32_t> weights;  // [to][most]
  std::int64_t most = 0;

  const std::int32_t* of(std::int64_t i) const { return weights.data() + i * most; }
};

Taps triangle_taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);  // in input pixels, half the width of the triangle
  Taps taps;
  taps.most = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  taps.weights.resize(static_cast<std::size_t>(to * taps.most));
  std::vector<double> exact(static_cast<std::size_t>(taps.most));
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(centre - support + 0.5), 0);
    const auto last = std::min<std::int64_t>(static_cast<std::int64_t>(centre + support + 0.5), from);
    double sum = 0;
    for (std::int64_t j = 0; j < last - first; ++j) {
      const double distance = std::abs((static_cast<double>(j + first) - centre + 0.5) * (1.0 / support));
      exact[static_cast<std::size_t>(j)] = distance < 1.0 ? 1.0 - distance : 0.0;
      sum += exact[static_cast<std::size_t>(j)];
    }
    for (std::int64_t j = 0; j < last - first; ++j) {
      taps.weights[static_cast<std::size_t>(i * taps.most + j)] = static_cast<std::int32_t>(
          0.5 + exact[static_cast<std::size_t>(j)] / sum * static_cast<double>(1 << kWeightBits));
    }
    taps.first.push_back(first);
    taps.count.push_back(last - first);
  }
  return taps;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp<std::int32_t>(sum >> kWeightBits, 0, 255));
}

/// One row; `Channels` is a constant for the usual numbers, so that the sums stay in registers.
template <typename Channels>
void along_row(const std::uint8_t* from, const Taps& taps, Channels channels, std::uint8_t* to) {
  const auto width = static_cast<std::int64_t>(taps.first.size());
  for (std::int64_t x = 0; x < width; ++x) {
    const auto i = static_cast<std::size_t>(x);
    const std::int32_t* const weights = taps.of(x);
    const std::uint8_t* const pixels = from + taps.first[i] * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      std::int32_t sum = kHalf;
      for (std::int64_t j = 0; j < taps.count[i]; ++j) sum += pixels[j * channels + c] * weights[j];
      *to++ = to_byte(sum);
    }
  }
}

void along_row(const std::uint8_t* from, const Taps& taps, std::int64_t channels, std::uint8_t* to) {
  switch (channels) {
    case 1:
      return along_row(from, taps, std::integral_constant<std::int64_t, 1>{}, to);
    case 3:
      return along_row(from, taps, std::integral_constant<std::int64_t, 3>{}, to);
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
    for (std::int64_t j = 0; j < taps.count[i]; ++j) {
      const std::int32_t weight = taps.of(y)[j];
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
  Image between;
  if (rows_less > 0 && rows_less > 2 * columns_less) {
    resize_columns(from, box, height, between);
    resize_rows(between, {0, 0, height, box.width}, width, to);
  } else {
    resize_rows(from, box, width, between);
    resize_columns(between, {0, 0, box.height, width}, height, to);
  }
}

}  // namespace satsuma::data
