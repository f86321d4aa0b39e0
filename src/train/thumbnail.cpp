#include "src/train/thumbnail.hpp"

#include <algorithm>

namespace satsuma::train {

namespace {

void put(std::string& bytes, std::int64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

/// Mean of a channel over the pixels [x, x + side) x [y, y + side) that there are.
int mean(const data::Image& image, std::int64_t x, std::int64_t y, std::int64_t side, std::int64_t channel) {
  std::int64_t sum = 0, count = 0;
  for (std::int64_t i = y; i < std::min(y + side, image.height); ++i) {
    for (std::int64_t j = x; j < std::min(x + side, image.width); ++j, ++count)
      sum += image.pixels[static_cast<std::size_t>((i * image.width + j) * image.channels + channel)];
  }
  return static_cast<int>((sum + count / 2) / count);
}

}  // namespace

std::string thumbnail_bmp(const data::Image& image, std::int64_t most) {
  const std::int64_t longest = std::max(image.width, image.height);
  const std::int64_t side = std::max<std::int64_t>((longest + most - 1) / most, 1);
  const std::int64_t width = (image.width + side - 1) / side, height = (image.height + side - 1) / side;
  const std::int64_t row = (3 * width + 3) / 4 * 4;
  constexpr std::int64_t kHeader = 14 + 40;
  std::string bytes = "BM";
  put(bytes, kHeader + row * height, 4);
  put(bytes, 0, 4);
  put(bytes, kHeader, 4);
  put(bytes, 40, 4);
  put(bytes, width, 4);
  put(bytes, height, 4);
  put(bytes, 1, 2);
  put(bytes, 24, 2);
  bytes.append(24, '\0');
  // From the bottom up, blue first, rows of whole words.
  for (std::int64_t y = height - 1; y >= 0; --y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (const std::int64_t channel : {2, 1, 0})
        put(bytes, mean(image, x * side, y * side, side, image.channels < 3 ? 0 : channel), 1);
    }
    bytes.append(static_cast<std::size_t>(row - 3 * width), '\0');
  }
  return bytes;
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
