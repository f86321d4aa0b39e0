#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace satsuma::train {

/// A PNG file of `height` x `width` pixels of 8 bits: grey (1 channel) or RGB (3), row-major with channels
/// side by side. Throws UsageError on another number of channels, no pixels, or too few bytes.
std::string encode_png(std::int64_t height, std::int64_t width, std::int64_t channels,
                       std::span<const std::uint8_t> pixels);

}  // namespace satsuma::train
