#include "src/train/thumbnail.hpp"

#include <algorithm>
#include <vector>

#include "src/train/events/png.hpp"

namespace satsuma::train {

namespace {

/// Mean of a channel over the pixels [x, x + side) x [y, y + side) that there are.
std::uint8_t mean(const data::Image& image, std::int64_t x, std::int64_t y, std::int64_t side,
                  std::int64_t channel) {
  std::int64_t sum = 0, count = 0;
  for (std::int64_t i = y; i < std::min(y + side, image.height); ++i) {
    for (std::int64_t j = x; j < std::min(x + side, image.width); ++j, ++count)
      sum += image.pixels[static_cast<std::size_t>((i * image.width + j) * image.channels + channel)];
  }
  return static_cast<std::uint8_t>((sum + count / 2) / count);
}

}  // namespace

std::string thumbnail_png(const data::Image& image, std::int64_t most) {
  const std::int64_t longest = std::max(image.width, image.height);
  const std::int64_t side = std::max<std::int64_t>((longest + most - 1) / most, 1);
  const std::int64_t width = (image.width + side - 1) / side, height = (image.height + side - 1) / side;
  const std::int64_t channels = image.channels < 3 ? 1 : 3;
  std::vector<std::uint8_t> pixels;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t channel = 0; channel < channels; ++channel)
        pixels.push_back(mean(image, x * side, y * side, side, channel));
    }
  }
  return encode_png(height, width, channels, pixels);
}

std::string base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 0x3f] : '=';
  }
  return text;
}

}  // namespace satsuma::train
