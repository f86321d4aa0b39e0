#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "satsuma/sat/config.hpp"

namespace satsuma::sat::driver {

/// A program of all kernels for one device, and what it was built for. Its file:
///
///   8 bytes  "SATBITS" and a zero
///   u64      checksum: FNV-1a, 64 bits, of all that follows
///   u32      interface version
///   u32      largest group M of a pattern
///   4 x      u64 length, then that many bytes: platform, device, configuration (TOML), OpenCL's binary
///
/// Integers are little endian.
struct Bitstream {
  std::uint32_t interface_version = 0;
  std::uint32_t largest_group = 0;
  std::string platform;
  std::string device;
  Config config;
  std::vector<std::byte> binary;
};

std::vector<std::byte> to_bytes(const Bitstream& bitstream);
/// Throws IoError when the file cannot be read, FormatError naming it when it is none, was cut off or
/// changed, or is of another interface version.
Bitstream read_bitstream(const std::filesystem::path& path);

}  // namespace satsuma::sat::driver
