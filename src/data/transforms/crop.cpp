#include "src/data/transforms/crop.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace satsuma::data {

namespace {

/// Python's round(): halves go to the even number.
std::int64_t rounded(double value) {
  return static_cast<std::int64_t>(std::nearbyint(value));
}

}  // namespace

void crop(Image& image, const Box& box, Image& scratch) {
  scratch.resize(image.channels, box.height, box.width);
  const std::int64_t begin = std::clamp<std::int64_t>(-box.left, 0, box.width);
  const std::int64_t end = std::clamp<std::int64_t>(image.width - box.left, begin, box.width);
  const auto bytes = [&](std::int64_t pixels) { return static_cast<std::size_t>(pixels * image.channels); };
  for (std::int64_t y = 0; y < box.height; ++y) {
    std::uint8_t* const row = scratch.row(y);
    const std::int64_t source = box.top + y;
    if (source < 0 || source >= image.height || begin == end) {
      std::memset(row, 0, bytes(box.width));
      continue;
    }
    std::memset(row, 0, bytes(begin));
    std::memcpy(row + bytes(begin), image.row(source) + (box.left + begin) * image.channels,
                bytes(end - begin));
    std::memset(row + bytes(end), 0, bytes(box.width - end));
  }
  std::swap(image, scratch);
}

void flip_horizontally(Image& image) {
  const std::int64_t channels = image.channels;
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* left = image.row(y);
    std::uint8_t* right = left + (image.width - 1) * channels;
    for (; left < right; left += channels, right -= channels) std::swap_ranges(left, left + channels, right);
  }
}

void centre_crop(Image& image, std::int64_t height, std::int64_t width, Image& scratch) {
  if (image.height == height && image.width == width) return;
  // Where the picture is too small its border is wider at the end; elsewhere the middle is rounded.
  const auto begin = [](std::int64_t has, std::int64_t wanted) {
    return has < wanted ? -((wanted - has) / 2) : rounded(static_cast<double>(has - wanted) / 2);
  };
  crop(image, {begin(image.height, height), begin(image.width, width), height, width}, scratch);
}

void resize_shorter_side(Image& image, std::int64_t side, Image& scratch) {
  const std::int64_t shorter = std::min(image.height, image.width);
  const std::int64_t longer = std::max(image.height, image.width);
  if (shorter == side) return;
  const auto proportional =
      static_cast<std::int64_t>(static_cast<double>(side * longer) / static_cast<double>(shorter));
  const bool wide = image.width > image.height;
  resize_bilinear(image, {0, 0, image.height, image.width}, wide ? side : proportional,
                  wide ? proportional : side, scratch);
  std::swap(image, scratch);
}

double draw_between(double low, double high, Rng& rng) {
  return low + (high - low) * 0x1p-32 * static_cast<double>(rng.next());
}

std::int64_t draw_below(std::int64_t count, Rng& rng) {
  return static_cast<std::int64_t>(std::uint64_t{rng.next()} * static_cast<std::uint64_t>(count) >> 32);
}

Box draw_resized_crop(std::int64_t height, std::int64_t width, Rng& rng) {
  constexpr double kLeastRatio = 3.0 / 4.0;
  constexpr double kMostRatio = 4.0 / 3.0;
  const double area = static_cast<double>(height) * static_cast<double>(width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double wanted = area * draw_between(0.08, 1.0, rng);
    const double ratio = std::exp(draw_between(std::log(kLeastRatio), std::log(kMostRatio), rng));
    const std::int64_t w = rounded(std::sqrt(wanted * ratio));
    const std::int64_t h = rounded(std::sqrt(wanted / ratio));
    if (w < 1 || w > width || h < 1 || h > height) continue;
    const std::int64_t top = draw_below(height - h + 1, rng);
    return {top, draw_below(width - w + 1, rng), h, w};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  Box box{0, 0, height, width};
  if (ratio < kLeastRatio) box.height = rounded(static_cast<double>(width) / kLeastRatio);
  if (ratio > kMostRatio) box.width = rounded(static_cast<double>(height) * kMostRatio);
  box.top = (height - box.height) / 2;
  box.left = (width - box.width) / 2;
  return box;
}

}  // namespace satsuma::data
