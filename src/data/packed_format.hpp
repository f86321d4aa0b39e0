#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What a packed file holds, in order; all numbers are little-endian:
//
//   8        magic
//   ...      the pictures' bytes
//   index    u32 classes; for each: u32 length, name
//            3 x u64 pictures of training, validation, test
//            for each picture of the three, in order: u64 offset, u64 bytes, u32 CRC-32 of them, u32 label,
//            u32 height, u32 width (of a decoded picture; 0, 0 for a file), u32 length of its name, name
//   footer   u64 offset and u64 bytes of the index, u32 its CRC-32, u32 version, u32 kind, u32 CRC-32 of the
//            footer up to here, 8 magic

namespace satsuma::data::packed {

inline constexpr std::string_view kMagic = "SATSPACK";
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kFooterBytes = 40;
inline constexpr std::size_t kEntryBytes = 36;  ///< without the name

enum class Kind : std::uint32_t {
  files = 0,
  decoded = 1,  ///< RGB
};

struct Entry {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint32_t sum = 0;
  std::uint32_t label = 0;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::string name;
};

struct Index {
  Kind kind = Kind::files;
  std::vector<std::string> class_names;
  std::array<std::vector<Entry>, 3> parts;  ///< training, validation, test
};

}  // namespace satsuma::data::packed
