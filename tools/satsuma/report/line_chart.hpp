#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satsuma::tools {

/// A line of a chart. Long ones are drawn with means of neighbours.
struct ChartLine {
  std::string name;
  std::string_view colour;
  std::vector<std::pair<double, double>> points;
  bool faint = false;  ///< what lies behind the others
  bool dashed = false;
  bool dotted = false;  ///< a dot at each point, with its figures
};

/// Lines on two linear axes.
struct LineChart {
  std::string title;
  std::string x_name;
  std::vector<ChartLine> lines;
  bool from_zero = false;  ///< the vertical axis starts at 0
  std::function<std::string(double)> x_text = {};
  std::function<std::string(double)> y_text = {};

  /// The picture; empty where no line has a point.
  std::string svg() const;
};

}  // namespace satsuma::tools
