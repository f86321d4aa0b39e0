#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/dtype.hpp"
#include "satsuma/core/shape.hpp"

namespace satsuma::train {

/// Where a tensor lies in a safetensors file; offsets count from the first byte of the data.
struct HeaderEntry {
  std::string name;
  std::string_view type;       ///< as the format spells it
  int bits = 0;                ///< of an element
  std::optional<DType> dtype;  ///< empty for a type that Satsuma does not compute in
  Shape shape;                 ///< of the first axes, as many as a Shape has room for
  std::int64_t rank = 0;
  std::int64_t elements = 1;  ///< extents of 0 counted as 1; -1 where they are too many to count
  bool empty = false;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  /// False for what the format allows and Satsuma has no use for.
  bool readable() const { return dtype && rank <= static_cast<std::int64_t>(Shape::kMaxRank); }
};

struct Header {
  std::vector<HeaderEntry> entries;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Dtype as safetensors spells it: `F32`.
std::string_view safetensors_name(DType dtype);
/// `F32, F64, BF16, F16, I64, U8`
std::string readable_types();

/// Reads and checks the JSON header of a file whose data takes `data_bytes`. Throws FormatError, without the
/// file's name.
Header parse_header(std::string_view json, std::uint64_t data_bytes);

}  // namespace satsuma::train
