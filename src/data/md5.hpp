#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace satsuma::data {

/// MD5 (RFC 1321): the sum that publishers of data sets give. It finds accidents, and no malice.
class Md5 {
 public:
  void add(std::span<const std::uint8_t> bytes);
  /// 32 hexadecimal digits of all that was added. Nothing may be added after.
  std::string digits();

 private:
  void add_block(const std::uint8_t* block);

  std::array<std::uint32_t, 4> state_ = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  std::array<std::uint8_t, 64> rest_{};
  std::uint64_t count_ = 0;
};

std::string md5_digits(std::span<const std::uint8_t> bytes);

}  // namespace satsuma::data
