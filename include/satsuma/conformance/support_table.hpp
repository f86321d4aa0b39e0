#pragma once

#include <string>
#include <vector>

#include "satsuma/device/device.hpp"

namespace satsuma::conformance {

/// What a device accepts: kinds of layers and types of operands down, passes and kinds of weights across.
struct SupportTable {
  /// Answers to the requests of one cell, which differ in their pattern.
  struct Cell {
    int asked = 0;
    int accepted = 0;
    std::vector<int> reasons;  ///< indices into SupportTable::reasons

    bool operator==(const Cell&) const = default;
  };
  struct Row {
    std::string types;  ///< `f32`, `bf16 operands`
    std::string layer;  ///< `3x3 stride 2`
    std::vector<Cell> cells;
  };
  std::vector<std::string> columns;
  std::vector<Row> rows;
  std::vector<std::string> reasons;  ///< of refusals, each once
};

/// Asks; runs nothing.
SupportTable support_table(const Device& device);

}  // namespace satsuma::conformance
