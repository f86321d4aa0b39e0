#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "satsuma/core/error.hpp"
#include "src/core/utf8.hpp"
#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

namespace {

constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;
/// What is always allowed costs 4 MB at most.
constexpr std::int64_t kHarmlessPixels = std::int64_t{1} << 20;

/// Most pixels that a byte can stand for. JPEG: 64 in a bit for the block's mean, and as much again for
/// arithmetic coding. PNG: 8 in a byte, deflated by 1032 at most. GIF: the longest string of a code of 12
/// bits. BMP: 8.
std::int64_t most_pixels_a_byte(Kind kind) {
  switch (kind) {
    case Kind::jpeg:
      return 1024;
    case Kind::png:
      return 8 * 1032;
    case Kind::gif:
      return 4096;
    default:
      return 8;
  }
}

bool begins(std::span<const std::uint8_t> bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c, std::uint8_t byte) { return static_cast<std::uint8_t>(c) == byte; });
}

}  // namespace

void refuse(const Source& source, std::string_view what) {
  throw FormatError(fmt::format("{}: {}", shown_path(source.name), what));
}

void refuse(const Source& source, std::size_t offset, std::string_view what) {
  refuse(source, fmt::format("offset {}: {}", offset, what));
}

Kind kind_of(std::span<const std::uint8_t> bytes) {
  if (begins(bytes, "\xff\xd8\xff")) return Kind::jpeg;
  if (begins(bytes, "\x89PNG\r\n\x1a\n")) return Kind::png;
  if (begins(bytes, "BM") && bytes.size() >= 26) return Kind::bmp;
  if (begins(bytes, "GIF87a") || begins(bytes, "GIF89a")) return Kind::gif;
  return Kind::none;
}

std::string_view looks_like(std::span<const std::uint8_t> bytes) {
  struct Known {
    std::string_view magic;
    std::size_t at;
    std::string_view words;
  };
  constexpr std::array kKnown = {
      Known{"WEBP", 8, "it looks like WebP"},
      Known{"II*", 0, "it looks like TIFF"},
      Known{"MM", 0, "it looks like TIFF"},
      Known{"ftyp", 4, "it looks like HEIC, AVIF or a film"},
      Known{"<svg", 0, "it looks like SVG"},
      Known{"<?xml", 0, "it looks like XML"},
      Known{"\x1f\x8b", 0, "it looks like gzip"},
      Known{"PK", 0, "it looks like a zip archive"},
      Known{"%PDF", 0, "it looks like PDF"},
      Known{"\xff\xd8", 0, "it looks like a JPEG that is cut off"},
      Known{"\x89PNG", 0, "it looks like a PNG that is cut off"},
  };
  if (bytes.empty()) return "it is empty";
  for (const Known& known : kKnown) {
    if (begins(bytes, known.magic, known.at)) return known.words;
  }
  const auto head = bytes.first(std::min<std::size_t>(bytes.size(), 512));
  if (std::all_of(head.begin(), head.end(), [](std::uint8_t byte) { return byte == 0; })) {
    return "it holds zero bytes";
  }
  const bool text = std::all_of(head.begin(), head.end(), [](std::uint8_t byte) {
    return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t';
  });
  return text ? "it looks like text" : "its first bytes are those of none of them";
}

void check_size(const Source& source, Kind kind, std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1) refuse(source, fmt::format("a picture of {}x{} pixels", width, height));
  // Divided, not multiplied: nothing here can overflow.
  if (width > kMostPixels / height) {
    refuse(source,
           fmt::format("its header claims {}x{} pixels, expected at most 2^28 in all", width, height));
  }
  const std::int64_t pixels = width * height;
  const auto bytes = static_cast<std::int64_t>(source.bytes.size());
  if (pixels > kHarmlessPixels && pixels / most_pixels_a_byte(kind) > bytes) {
    refuse(source, fmt::format("its header claims {}x{} pixels, more than a file of {} bytes can hold; "
                               "the file is cut off or its header is wrong",
                               width, height, bytes));
  }
}

}  // namespace satsuma::data::decode
