#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "satsuma/core/shape.hpp"

namespace satsuma::data {

/// Content of an IDX file of unsigned bytes.
struct IdxArray {
  Shape shape;
  std::vector<std::uint8_t> values;  ///< row-major

  /// Bytes before the first value: magic number and extents.
  std::int64_t header_bytes() const { return 4 + 4 * shape.rank(); }
};

/// Reads an IDX file (http://yann.lecun.com/exdb/mnist: `00 00 08 rank`, `rank` big-endian 32-bit extents,
/// values), packed by gzip or not: the content tells, not the name. A header is believed only as far as the
/// file bears it out: no more than twice the bytes that are really there are ever allocated. Throws IoError
/// when the file cannot be read, and FormatError, naming file and offset, when it is no IDX file of unsigned
/// bytes with `rank` axes, is cut off, or has bytes to spare.
IdxArray read_idx(const std::filesystem::path& path, int rank);

}  // namespace satsuma::data
