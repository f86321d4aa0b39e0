#pragma once

#include <fmt/core.h>
#include <zlib.h>

#include <string>
#include <string_view>

namespace satsuma::sat {

/// CRC-32 as eight hexadecimal digits: tells texts apart, protects against nothing.
inline std::string fingerprint_of(std::string_view text) {
  return fmt::format("{:08x}", crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

}  // namespace satsuma::sat
