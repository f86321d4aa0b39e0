#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/dtype.hpp"
#include "satsuma/core/shape.hpp"

namespace satsuma::train {

/// Where a tensor lies in a safetensors file; offsets count from the first byte of the data.
struct HeaderEntry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Header {
  std::vector<HeaderEntry> entries;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Dtype as safetensors spells it: `F32`.
std::string_view safetensors_name(DType dtype);

/// Reads and checks the JSON header of a file whose data takes `data_bytes`. Throws FormatError, without the
/// file's name.
Header parse_header(std::string_view json, std::uint64_t data_bytes);

}  // namespace satsuma::train
