#include <array>
#include <cstddef>

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

namespace {

/// round((value * alpha + 255 * (255 - alpha)) / 255)
std::uint8_t on_white(unsigned value, unsigned alpha) {
  return static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// The weights of ITU-R 601 in 16 bits, rounded as Pillow rounds them.
std::uint8_t grey_of(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16U);
}

template <int kFrom, int kTo>
void convert_pixel(const std::uint8_t* from, std::uint8_t* to) {
  constexpr bool kColour = kFrom >= 3;
  std::array<std::uint8_t, 3> rgb{};
  for (std::size_t c = 0; c < (kColour ? 3 : 1); ++c) {
    rgb[c] = kFrom % 2 == 0 ? on_white(from[c], from[kFrom - 1]) : from[c];
  }
  for (std::size_t c = 0; c < kTo; ++c) {
    to[c] = kColour ? (kTo == 1 ? grey_of(rgb[0], rgb[1], rgb[2]) : rgb[c]) : rgb[0];
  }
}

template <int kFrom, int kTo>
void convert(Image& image) {
  const auto count = static_cast<std::size_t>(image.height * image.width);
  if constexpr (kFrom < kTo) image.pixels.resize(count * kTo);
  // In place: from the end where pixels grow, from the front where they shrink.
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kFrom < kTo ? count - 1 - i : i;
    std::array<std::uint8_t, kFrom> pixel{};
    for (std::size_t c = 0; c < kFrom; ++c) pixel[c] = image.pixels[at * kFrom + c];
    convert_pixel<kFrom, kTo>(pixel.data(), image.pixels.data() + at * kTo);
  }
  image.pixels.resize(count * kTo);
  image.channels = kTo;
}

}  // namespace

void convert_channels(Image& image, std::int64_t channels) {
  if (image.channels == channels) return;
  switch (image.channels * 10 + channels) {
    case 13:
      return convert<1, 3>(image);
    case 21:
      return convert<2, 1>(image);
    case 23:
      return convert<2, 3>(image);
    case 31:
      return convert<3, 1>(image);
    case 41:
      return convert<4, 1>(image);
    default:
      return convert<4, 3>(image);
  }
}

}  // namespace satsuma::data::decode
