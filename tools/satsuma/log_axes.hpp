#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tools/satsuma/drawing.hpp"

namespace satsuma::tools {

/// `value` as short as it goes.
std::string plain_text(double value);

/// What a logarithmic axis spans, with a tick at each power of `base`.
struct LogRange {
  double base = 10, low = 1, high = 10;

  /// From the power of `base` below `value`, or at it, to the next one.
  static LogRange around(double value, double base);
  /// Grows to the power of `base` beyond `value`; not by one that has no logarithm.
  void include(double value);
  double share(double value) const;
  std::vector<double> ticks() const;
};

/// A coordinate system with two logarithmic axes in a part of a drawing.
class LogAxes {
 public:
  using Text = std::function<std::string(double)>;
  using Point = std::pair<double, double>;

  struct Frame {
    double left = 0, top = 0, width = 0, height = 0;
  };

  /// Draws the grid and writes its values at it.
  LogAxes(Drawing& drawing, Frame frame, LogRange x, LogRange y, const Text& x_text = plain_text,
          const Text& y_text = plain_text);

  double x(double value) const { return frame_.left + frame_.width * x_.share(value); }
  double y(double value) const { return frame_.top + frame_.height * (1 - y_.share(value)); }

  void line(const std::vector<Point>& points, std::string_view colour, bool dashed = false);
  /// The roofline of a machine: what its memory delivers (`bandwidth`, y a unit of x), then `peak`. Returns
  /// where it enters the axes.
  Point roof(double bandwidth, double peak, std::string_view colour, bool dashed = false);

 private:
  Drawing& drawing_;
  Frame frame_;
  LogRange x_, y_;
};

}  // namespace satsuma::tools
