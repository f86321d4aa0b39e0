// Walks over the parts that a file is made of, to find one that ends too early. Each part says how long it
// is, so that this is quick beside decoding.

#include <fmt/core.h>
#include <zlib.h>

#include <cstddef>
#include <cstdint>

#include "src/data/decode/decoder.hpp"

namespace satsuma::data::decode {

namespace {

/// Reads forward through the file, and refuses it where it ends.
class Reader {
 public:
  explicit Reader(Source source) : source_(source) {}

  std::size_t at() const { return at_; }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (count > source_.bytes.size() - at_) {
      refuse(source_, source_.bytes.size(), "the file ends before its picture does; it is cut off");
    }
    const auto bytes = source_.bytes.subspan(at_, count);
    at_ += count;
    return bytes;
  }
  std::uint8_t byte() { return take(1)[0]; }
  std::uint32_t big_endian(int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8U | byte();
    return value;
  }
  std::uint32_t little_endian(int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= static_cast<std::uint32_t>(byte()) << (8 * i);
    return value;
  }

 private:
  Source source_;
  std::size_t at_ = 0;
};

/// Tables of codes: stb_image writes past its own where one has too many, and reads past them where the
/// lengths of codes contradict each other.
void check_codes(const Source& source, std::size_t at, std::span<const std::uint8_t> part) {
  constexpr std::size_t kLengths = 16;
  constexpr std::size_t kMostCodes = 255;
  while (!part.empty()) {
    if (part.size() <= kLengths) refuse(source, at, "damaged JPEG: a table of codes that is cut off");
    std::size_t codes = 0;
    std::size_t taken = 0;  // of the 2^16 codes of full length
    for (std::size_t length = 1; length <= kLengths; ++length) {
      codes += part[length];
      taken += std::size_t{part[length]} << (kLengths - length);
    }
    if (codes > kMostCodes || taken > std::size_t{1} << kLengths || part.size() - 1 - kLengths < codes) {
      refuse(source, at, "damaged JPEG: a table of codes that is none");
    }
    part = part.subspan(1 + kLengths + codes);
  }
}

/// The start of a frame: bits a value, height, width.
void check_frame(const Source& source, std::size_t at, std::span<const std::uint8_t> part) {
  if (part.size() < 5) refuse(source, at, "damaged JPEG: a frame that is cut off");
  if (part[0] != 8) refuse(source, at, fmt::format("a JPEG of {} bits a value, expected 8", part[0]));
  check_size(source, Kind::jpeg, part[3] << 8 | part[4], part[1] << 8 | part[2]);
}

/// Markers up to the end of the picture; between them lengths, and after a start of scan packed data, in
/// which a marker is what follows 0xff and is neither 0 nor a restart.
void check_jpeg(const Source& source) {
  constexpr int kMostScans = 100;
  Reader reader(source);
  reader.take(2);
  int scans = 0;
  for (;;) {
    const std::size_t at = reader.at();
    std::uint8_t marker = reader.byte();
    if (marker != 0xff)
      refuse(source, at, fmt::format("damaged JPEG: byte {:#04x}, expected a marker", marker));
    while (marker == 0xff) marker = reader.byte();
    while (marker != 0xd9) {
      if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) break;
      const std::uint32_t length = reader.big_endian(2);
      if (length < 2) refuse(source, at, fmt::format("damaged JPEG: a part of {} bytes", length));
      const auto part = reader.take(length - 2);
      if (marker == 0xc0 || marker == 0xc1 || marker == 0xc2) check_frame(source, at, part);
      if (marker == 0xc4) check_codes(source, at, part);
      if (marker != 0xda) break;
      if (++scans > kMostScans) refuse(source, at, "damaged JPEG: more than 100 passes");
      do {
        while (reader.byte() != 0xff) {
        }
        do marker = reader.byte();
        while (marker == 0xff);
      } while (marker == 0 || (marker >= 0xd0 && marker <= 0xd7));
    }
    if (marker == 0xd9) return;
  }
}

/// Chunks up to the last: length, name, data, checksum of name and data.
void check_png(const Source& source) {
  Reader reader(source);
  reader.take(8);
  for (;;) {
    const std::size_t at = reader.at();
    const std::uint32_t length = reader.big_endian(4);
    if (length > 0x7fffffff) refuse(source, at, fmt::format("damaged PNG: a chunk of {} bytes", length));
    const auto body = reader.take(std::size_t{length} + 4);
    const std::uint32_t sum = reader.big_endian(4);
    if (crc32_z(0, body.data(), body.size()) != sum) {
      refuse(source, at, "damaged PNG: the checksum of a chunk does not hold");
    }
    if (at == 8 && length >= 8) {
      Reader header({body.subspan(4), source.name});
      const std::uint32_t width = header.big_endian(4);
      check_size(source, Kind::png, width, header.big_endian(4));
    }
    if (body[0] == 'I' && body[1] == 'E' && body[2] == 'N' && body[3] == 'D') return;
  }
}

void skip_blocks(Reader& reader) {
  while (const std::uint8_t length = reader.byte()) reader.take(length);
}

/// Blocks up to the end of the first picture; what follows is a film's, and not read.
void check_gif(const Source& source) {
  const auto colours = [](std::uint8_t flags) -> std::size_t {
    return (flags & 0x80U) != 0 ? std::size_t{3} << ((flags & 7U) + 1) : 0;
  };
  Reader reader(source);
  const auto screen = reader.take(13);
  reader.take(colours(screen[10]));
  for (;;) {
    const std::size_t at = reader.at();
    const std::uint8_t kind = reader.byte();
    if (kind == 0x21) {
      reader.byte();
      skip_blocks(reader);
    } else if (kind == 0x2c) {
      reader.take(colours(reader.take(9)[8]));
      reader.byte();
      skip_blocks(reader);
      return;
    } else {
      refuse(source, at, fmt::format("damaged GIF: no picture, but byte {:#04x}", kind));
    }
  }
}

/// Rows of four bytes each or multiples of it, from the offset that the header says. Packed ones are refused
/// by stb_image.
void check_bmp(const Source& source) {
  Reader reader(source);
  reader.take(10);
  const std::uint32_t offset = reader.little_endian(4);
  const std::uint32_t header = reader.little_endian(4);
  const bool old = header == 12;
  const auto width = static_cast<std::int32_t>(reader.little_endian(old ? 2 : 4));
  const auto signed_height = static_cast<std::int32_t>(reader.little_endian(old ? 2 : 4));
  const std::int64_t height = signed_height < 0 ? -std::int64_t{signed_height} : signed_height;
  reader.take(2);
  const std::int64_t bits = reader.little_endian(2);
  if (old ? false : reader.little_endian(4) == 1)
    refuse(source, 30, "a BMP packed by RLE, expected one that is not packed");
  check_size(source, Kind::bmp, width, height);
  const std::int64_t row = (width * bits + 31) / 32 * 4;
  const std::int64_t end = offset + row * height;
  if (end > static_cast<std::int64_t>(source.bytes.size())) {
    refuse(source, source.bytes.size(),
           fmt::format("the file ends, but its header claims {} bytes; it is cut off", end));
  }
}

}  // namespace

void check_whole(const Source& source, Kind kind) {
  switch (kind) {
    case Kind::jpeg:
      return check_jpeg(source);
    case Kind::png:
      return check_png(source);
    case Kind::gif:
      return check_gif(source);
    default:
      return check_bmp(source);
  }
}

}  // namespace satsuma::data::decode
