#include "tools/satsuma/report/line_chart.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "tools/satsuma/drawing.hpp"
#include "tools/satsuma/log_axes.hpp"

namespace satsuma::tools {

namespace {

using Point = std::pair<double, double>;
using Anchor = Drawing::Anchor;

// Small enough that the words can be read where the picture is as wide as a phone.
constexpr double kWidth = 440, kHeight = 262, kLeft = 56, kRight = 12, kTop = 30, kBottom = 46;
constexpr std::size_t kMostPoints = 240, kMostDots = 40;

/// At most kMostPoints means of neighbours.
std::vector<Point> thinned(const std::vector<Point>& points) {
  if (points.size() <= kMostPoints) return points;
  std::vector<Point> result;
  for (std::size_t i = 0; i < kMostPoints; ++i) {
    const std::size_t begin = i * points.size() / kMostPoints, end = (i + 1) * points.size() / kMostPoints;
    Point sum = {0, 0};
    for (std::size_t j = begin; j < end; ++j)
      sum = {sum.first + points[j].first, sum.second + points[j].second};
    const auto count = static_cast<double>(end - begin);
    result.emplace_back(sum.first / count, sum.second / count);
  }
  return result;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

}  // namespace

std::string LineChart::svg() const {
  const auto text_of = [](const auto& own, double value) { return own ? own(value) : plain_text(value); };
  Range x, y;
  std::vector<std::vector<Point>> drawn;
  std::string description;
  for (const ChartLine& line : lines) {
    drawn.push_back(thinned(line.points));
    for (const auto& [at, value] : drawn.back()) {
      x.include(at);
      y.include(value);
    }
    if (line.points.empty() || line.faint) continue;
    description +=
        fmt::format("{}{}: {} at {}", description.empty() ? "" : "; ", line.name,
                    text_of(y_text, line.points.back().second), text_of(x_text, line.points.back().first));
  }
  if (!(x.low <= x.high)) return {};
  if (from_zero) y.include(0);
  const std::vector<double> x_ticks = ticks_to(std::max(x.high, 1e-12), 5);
  const std::vector<double> y_ticks = ticks_around(y.low, y.high, 4);
  const double x_end = x.high > 0 ? x.high : 1;
  const double low = y_ticks.front(), high = y_ticks.back();
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const auto place_x = [&](double value) { return kLeft + (right - kLeft) * value / x_end; };
  const auto place_y = [&](double value) { return bottom - (bottom - kTop) * (value - low) / (high - low); };

  Drawing drawing;
  drawing.text(4, 16, title, Anchor::start, "title");
  for (const double tick : y_ticks) {
    drawing.line(kLeft, place_y(tick), right, place_y(tick), "grid");
    drawing.text(kLeft - 6, place_y(tick) + 4, text_of(y_text, tick), Anchor::end, "small");
  }
  for (const double tick : x_ticks) {
    if (tick > x_end) continue;
    drawing.line(place_x(tick), bottom, place_x(tick), bottom + 4, "grid");
    drawing.text(place_x(tick), bottom + 17, text_of(x_text, tick), Anchor::middle, "small");
  }
  drawing.text((kLeft + right) / 2, bottom + 36, x_name, Anchor::middle, "small");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const ChartLine& line = lines[i];
    std::vector<Point> placed;
    for (const auto& [at, value] : drawn[i]) placed.emplace_back(place_x(at), place_y(value));
    if (placed.size() > 1) drawing.path(placed, line.colour, line.dashed, line.faint ? 0.45 : 1);
    const bool alone = placed.size() == 1;
    if (!alone && (!line.dotted || placed.size() > kMostDots)) continue;
    for (std::size_t j = 0; j < placed.size(); ++j) {
      drawing.circle(placed[j].first, placed[j].second, 3, line.colour,
                     fmt::format("{}: {} at {}", line.name, text_of(y_text, drawn[i][j].second),
                                 text_of(x_text, drawn[i][j].first)));
    }
  }
  return drawing.svg(kWidth, kHeight, title, description);
}

}  // namespace satsuma::tools
