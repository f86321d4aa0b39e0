#include "satsuma/data/decode.hpp"

#include <fmt/core.h>

#include <new>
#include <string>

#include "satsuma/core/error.hpp"
#include "src/core/utf8.hpp"
#include "src/data/decode/decoder.hpp"
#include "src/data/input_file.hpp"

namespace satsuma::data {

void decode_image(std::span<const std::uint8_t> file, std::string_view source_name, std::int64_t channels,
                  Image& image, std::int64_t least_side) try {
  if (channels != 1 && channels != 3) {
    throw UsageError(
        fmt::format("pictures of {} channels were asked for, expected 1 (grey) or 3 (RGB)", channels));
  }
  const decode::Source source{file, source_name};
  switch (const decode::Kind kind = decode::kind_of(file)) {
    case decode::Kind::none:
      decode::refuse(source, fmt::format("no picture that can be read, expected JPEG, PNG, BMP or GIF; {}",
                                         decode::looks_like(file)));
    case decode::Kind::jpeg:
      decode::decode_jpeg(source, channels, least_side, image);
      break;
    case decode::Kind::png:
      decode::decode_png(source, image);
      break;
    default:
      decode::decode_stb(source, kind, image);
  }
  decode::convert_channels(image, channels);
} catch (const std::bad_alloc&) {
  throw Error(fmt::format("out of memory while '{}' was decoded", shown_path(source_name)));
}

void read_file(const std::filesystem::path& path, std::vector<std::uint8_t>& bytes, std::uint64_t most) {
  InputFile file(path, InputFile::Content::as_stored);
  if (file.stored_size() > most) {
    throw FormatError(fmt::format("{}: {} bytes, expected at most {}", shown_path(path.string()),
                                  file.stored_size(), most));
  }
  bytes.resize(file.stored_size());
  bytes.resize(file.read(bytes));
}

Image read_image(const std::filesystem::path& path, std::int64_t channels, std::int64_t least_side) {
  std::vector<std::uint8_t> bytes;
  read_file(path, bytes);
  Image image;
  decode_image(bytes, path.string(), channels, image, least_side);
  return image;
}

std::string_view decoder_summary() {
  static const std::string summary = fmt::format("JPEG by {}, PNG by {}, BMP and GIF by stb_image",
                                                 decode::jpeg_library(), decode::png_library());
  return summary;
}

}  // namespace satsuma::data
