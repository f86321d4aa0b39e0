#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satsuma::tools {

/// A part of a bar, with its colour.
struct BarPiece {
  std::string name;
  double value = 0;
  std::string_view fill;
};

struct Bar {
  std::string name;
  std::vector<BarPiece> pieces;
  std::string label;  ///< written behind it

  double length() const;
};

/// Horizontal bars of stacked pieces on one axis.
struct BarChart {
  std::string label;  ///< for people who do not see it
  std::string axis;
  std::function<std::string(double)> value_text;  ///< of a piece, and of a tick
  std::vector<std::pair<std::string_view, std::string>> legend = {};
  std::vector<Bar> bars = {};
  double left = 150;  ///< room for the names

  /// The picture; empty where there is nothing to draw.
  std::string svg() const;
};

}  // namespace satsuma::tools
