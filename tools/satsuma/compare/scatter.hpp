#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/satsuma/drawing.hpp"

namespace satsuma::tools::compare {

/// A value with its spread, at a cost.
struct Dot {
  std::string name;
  double x = 0;
  double y = 0;
  std::optional<double> spread;  ///< drawn as a bar up and down
  bool frontier = false;         ///< filled, and joined with the others
};

/// Dots on linear axes; that of x begins at zero, that of y below the lowest dot.
struct Scatter {
  std::string label;  ///< for people who do not see it
  std::string x_name;
  std::string y_name;
  std::function<std::string(double)> x_text;
  std::function<std::string(double)> y_text;
  std::vector<Dot> dots = {};

  bool empty() const { return dots.empty(); }
  /// Draws into `drawing`; the picture is kWidth by kHeight.
  void draw(Drawing& drawing) const;
  /// For a page; empty where there is nothing to draw.
  std::string svg() const;

  static constexpr double kWidth = 720, kHeight = 400;
};

}  // namespace satsuma::tools::compare
