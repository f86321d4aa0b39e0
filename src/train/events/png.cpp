#include "src/train/events/png.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <string_view>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

constexpr std::int64_t kLargest = 1 << 15;

void put32(std::string& out, std::uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xFF);
}

/// Length, type, content, and the sum of the last two.
void put_chunk(std::string& out, std::string_view type, std::string_view content) {
  put32(out, content.size());
  const std::size_t begin = out.size();
  out.append(type).append(content);
  const std::string_view summed = std::string_view(out).substr(begin);
  put32(out, ::crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size())));
}

std::string deflated(std::string_view bytes) {
  uLongf size = ::compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  // It fails only where there is no memory or too small a buffer.
  if (::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                  static_cast<uLong>(bytes.size()), Z_BEST_SPEED) != Z_OK)
    throw Error("[png] zlib could not compress the picture");
  out.resize(size);
  return out;
}

}  // namespace

std::string encode_png(std::int64_t height, std::int64_t width, std::int64_t channels,
                       std::span<const std::uint8_t> pixels) {
  if ((channels != 1 && channels != 3) || height < 1 || width < 1 || height > kLargest || width > kLargest ||
      static_cast<std::int64_t>(pixels.size()) < height * width * channels) {
    throw UsageError(
        fmt::format("[png] got {} bytes for {} channels of {} x {} pixels, expected 1 or 3 "
                    "channels and 1 to {} pixels a side",
                    pixels.size(), channels, height, width, kLargest));
  }
  std::string header;
  put32(header, static_cast<std::uint64_t>(width));
  put32(header, static_cast<std::uint64_t>(height));
  header += '\x08';                           // bits
  header += channels == 1 ? '\x00' : '\x02';  // grey or RGB
  header.append(3, '\0');                     // deflate, the usual filters, not interlaced

  std::string rows;  // each behind the number of its filter: 0, none
  for (std::int64_t y = 0; y < height; ++y) {
    const auto row = pixels.subspan(static_cast<std::size_t>(y * width * channels),
                                    static_cast<std::size_t>(width * channels));
    rows += '\0';
    rows.append(row.begin(), row.end());
  }

  std::string out = "\x89PNG\r\n\x1a\n";
  put_chunk(out, "IHDR", header);
  put_chunk(out, "IDAT", deflated(rows));
  put_chunk(out, "IEND", {});
  return out;
}

}  // namespace satsuma::train
