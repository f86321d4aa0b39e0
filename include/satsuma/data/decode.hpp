#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Decodes a JPEG, PNG, BMP or GIF (its first picture) from memory: the content tells, not the name. Pixels
/// are RGB (`channels` = 3) or grey (1); what is transparent is blended on white, 16 bits become their high
/// 8, CMYK is read as Adobe writes it. Colour profiles, gamma and the orientation that a camera notes (EXIF)
/// are ignored, as torchvision ignores them.
///
/// A JPEG may be delivered smaller, by a half, a quarter or an eighth, but with no side below `least_side`
/// (0: full size).
///
/// A header is believed only as far as the file bears it out: a picture has at most 2^28 pixels, and no more
/// than its compression could pack into a file of that size. Throws FormatError, naming `source` and the
/// offset where it is known, when the content is none of the four, is damaged or cut off; Error when memory
/// runs out.
void decode_image(std::span<const std::uint8_t> file, std::string_view source, std::int64_t channels,
                  Image& image, std::int64_t least_side = 0);

/// Decodes the file `path`; see decode_image(). Throws IoError where it cannot be read.
Image read_image(const std::filesystem::path& path, std::int64_t channels, std::int64_t least_side = 0);

/// The bytes of a regular file of at most `most` bytes. Throws IoError where it cannot be read, FormatError
/// where it is larger.
void read_file(const std::filesystem::path& path, std::vector<std::uint8_t>& bytes,
               std::uint64_t most = std::uint64_t{1} << 30);

/// `JPEG by libjpeg-turbo 2.1.5, PNG by libpng 1.6.39, BMP and GIF by stb_image`: what this build decodes by.
std::string_view decoder_summary();

}  // namespace satsuma::data
