#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "satsuma/data/image.hpp"

namespace satsuma::data::decode {

/// A file to decode, and what messages call it.
struct Source {
  std::span<const std::uint8_t> bytes;
  std::string_view name;
};

/// Throw FormatError: `NAME: WHAT`, `NAME: offset N: WHAT`.
[[noreturn]] void refuse(const Source& source, std::string_view what);
[[noreturn]] void refuse(const Source& source, std::size_t offset, std::string_view what);

enum class Kind : std::uint8_t { none, jpeg, png, bmp, gif };
Kind kind_of(std::span<const std::uint8_t> bytes);
/// What bytes that are none of the four look like, for a message: `it looks like WebP`, `it is empty`.
std::string_view looks_like(std::span<const std::uint8_t> bytes);

/// Refuses a size that is nothing, above 2^28 pixels, or more than a file of that many bytes can hold in the
/// format: what a decoder is asked before it allocates.
void check_size(const Source& source, Kind kind, std::int64_t width, std::int64_t height);

/// Decoders of one library each. Pixels come as the file has them: grey, grey and alpha, RGB or RGBA. A JPEG
/// is grey where `channels` is 1 and the file allows it at no cost.
void decode_jpeg(const Source& source, std::int64_t channels, std::int64_t least_side, Image& image);
void decode_png(const Source& source, Image& image);
void decode_stb(const Source& source, Kind kind, Image& image);

/// Their libraries, for decoder_summary().
std::string_view jpeg_library();
std::string_view png_library();

/// Refuses a file that ends before its picture does, or whose checksums do not hold: stb_image takes such
/// for a picture with something missing.
void check_whole(const Source& source, Kind kind);

/// Makes RGB (3) or grey (1) of 1 to 4 channels in place: alpha is blended on white, grey is
/// .299 R + .587 G + .114 B.
void convert_channels(Image& image, std::int64_t channels);

}  // namespace satsuma::data::decode
