#pragma once

#include <string>
#include <utility>
#include <vector>

namespace satsuma::tools {

/// A picture of one or more coordinate systems side by side, as one SVG text that needs nothing else. Looks
/// as what tools/bench/plot_run draws.
class SvgPlot {
 public:
  using Point = std::pair<double, double>;
  enum class Mark { dot, ring };

  /// Both axes are logarithmic.
  struct Axes {
    std::string title, x_name;
    double x_low = 0, x_high = 0, y_low = 0, y_high = 0;
    /// Value and what is written at it.
    std::vector<std::pair<double, std::string>> x_ticks, y_ticks;
  };

  explicit SvgPlot(std::string title) : title_(std::move(title)) {}

  /// Starts a panel, right of the last. What is drawn next is drawn in it.
  void panel(Axes axes);
  /// What lies outside the axes is cut off. `dashed` lines are for what was not measured.
  void line(const std::vector<Point>& points, const std::string& colour, bool dashed = false);
  /// `hint` is shown when the pointer rests on it.
  void mark(Point at, const std::string& colour, Mark mark, const std::string& hint);
  /// Text beside a point.
  void label(Point at, const std::string& text, bool left_of = false);
  /// An entry below the panel.
  void legend(const std::string& colour, const std::string& text);

  std::string svg() const;

  /// Powers of `base` that span [low, high], as ticks.
  static std::vector<std::pair<double, std::string>> powers(double base, double low, double high);

 private:
  double x(double value) const;
  double y(double value) const;

  std::string title_;
  Axes axes_;
  int panels_ = 0;
  double legend_x_ = 0;
  std::string body_;
};

}  // namespace satsuma::tools
