#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace satsuma::data {

/// One picture: bytes, row-major [H][W][C] (interleaved, as decoders and PIL have it), C = 1 (grey), 3 (RGB)
/// or more.
struct Image {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;

  /// Gives the picture another size; what its pixels hold is not defined then.
  void resize(std::int64_t new_channels, std::int64_t new_height, std::int64_t new_width) {
    channels = new_channels;
    height = new_height;
    width = new_width;
    pixels.resize(static_cast<std::size_t>(channels * height * width));
  }
  std::uint8_t* row(std::int64_t y) { return pixels.data() + y * width * channels; }
  const std::uint8_t* row(std::int64_t y) const { return pixels.data() + y * width * channels; }
};

}  // namespace satsuma::data
