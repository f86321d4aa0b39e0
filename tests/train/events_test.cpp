#include <doctest/doctest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/train/events/crc32c.hpp"
#include "src/train/events/png.hpp"

namespace satsuma::train {

namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

TEST_CASE("CRC-32C: the values of RFC 3720, appendix B.4") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43u);
  CHECK(crc32c("") == 0u);
  CHECK(masked_crc32c("123456789") == ((0xE3069283u >> 15 | 0xE3069283u << 17) + 0xA282EAD8u));
}

TEST_CASE("PNG: chunks, sums and pixels") {
  for (const std::int64_t channels : {1, 3}) {
    std::vector<std::uint8_t> pixels;
    for (std::int64_t i = 0; i < 5 * 7 * channels; ++i) pixels.push_back(static_cast<std::uint8_t>(37 * i));
    std::string_view png;
    const std::string file = encode_png(5, 7, channels, pixels);
    png = file;
    REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
    png.remove_prefix(8);
    std::string types, data;
    while (!png.empty()) {
      const std::size_t length = big_endian(png);
      const std::string_view summed = png.substr(4, 4 + length);
      CHECK(big_endian(png.substr(8 + length)) ==
            ::crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size())));
      types += summed.substr(0, 4);
      if (summed.starts_with("IHDR")) {
        CHECK(big_endian(summed.substr(4)) == 7);
        CHECK(big_endian(summed.substr(8)) == 5);
        CHECK(summed[12] == 8);
        CHECK(summed[13] == (channels == 1 ? 0 : 2));
      }
      if (summed.starts_with("IDAT")) data = summed.substr(4);
      png.remove_prefix(12 + length);
    }
    CHECK(types == "IHDRIDATIEND");
    std::vector<std::uint8_t> rows(static_cast<std::size_t>(5 * (1 + 7 * channels)));
    uLongf size = rows.size();
    REQUIRE(::uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(data.data()),
                         static_cast<uLong>(data.size())) == Z_OK);
    REQUIRE(size == rows.size());
    for (std::size_t i = 0, from = 0; i < rows.size(); ++i)
      CHECK(rows[i] == (i % static_cast<std::size_t>(1 + 7 * channels) == 0 ? 0 : pixels[from++]));
  }
  CHECK_THROWS_AS(encode_png(2, 2, 2, std::vector<std::uint8_t>(8)), UsageError);
  CHECK_THROWS_AS(encode_png(2, 2, 3, std::vector<std::uint8_t>(11)), UsageError);
}

}  // namespace satsuma::train
