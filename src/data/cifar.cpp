#include "satsuma/data/cifar.hpp"

#include <fmt/core.h>

#include <string_view>

#include "satsuma/core/error.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::data {

void parse_cifar(std::span<const std::uint8_t> bytes, std::string_view source, std::int64_t label_bytes,
                 std::int64_t classes, CifarArray& to) {
  constexpr std::size_t kPixels = 3 * 32 * 32;
  const std::size_t record = static_cast<std::size_t>(label_bytes) + kPixels;
  if (bytes.empty() || bytes.size() % record != 0) {
    throw FormatError(
        fmt::format("{}: {} bytes, expected a multiple of {}, {} of labels and {} of pixels; fetch "
                    "the file again",
                    shown_path(source), bytes.size(), record, label_bytes, kPixels));
  }
  to.images.reserve(to.images.size() + bytes.size() / record * kPixels);
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    const auto pixels = bytes.subspan(at + record - kPixels, kPixels);
    const std::int64_t label = bytes[at + record - kPixels - 1];
    if (label >= classes) {
      throw FormatError(fmt::format("{}: offset {}: label {}, expected 0 to {}", shown_path(source),
                                    at + record - kPixels - 1, label, classes - 1));
    }
    to.labels.push_back(label);
    to.images.insert(to.images.end(), pixels.begin(), pixels.end());
  }
}

void read_cifar(const std::filesystem::path& path, std::int64_t label_bytes, std::int64_t classes,
                CifarArray& to) {
  std::vector<std::uint8_t> bytes;
  read_file(path, bytes);
  parse_cifar(bytes, path.string(), label_bytes, classes, to);
}

}  // namespace satsuma::data
