#include "tools/satsuma/log_axes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace satsuma::tools {

namespace {

/// The exponent of `base` below or at `value`, or above or at it; a value that is a power but for rounding is
/// one.
double exponent(double value, double base, bool above) {
  const double exact = std::log(value) / std::log(base);
  return above ? std::ceil(exact - 1e-9) : std::floor(exact + 1e-9);
}

}  // namespace

std::string plain_text(double value) {
  return fmt::format("{:g}", value);
}

LogRange LogRange::around(double value, double base) {
  const double low = std::pow(base, exponent(value, base, false));
  return {base, low, low * base};
}

void LogRange::include(double value) {
  if (!(value > 0) || !std::isfinite(value)) return;
  low = std::min(low, std::pow(base, exponent(value, base, false)));
  high = std::max(high, std::pow(base, exponent(value, base, true)));
}

double LogRange::share(double value) const {
  return std::log(value / low) / std::log(high / low);
}

std::vector<double> LogRange::ticks() const {
  std::vector<double> ticks;
  const double last = exponent(high, base, false);
  for (double power = exponent(low, base, true); power <= last; ++power)
    ticks.push_back(std::pow(base, power));
  return ticks;
}

LogAxes::LogAxes(Drawing& drawing, Frame frame, LogRange x, LogRange y, const Text& x_text,
                 const Text& y_text)
    : drawing_(drawing), frame_(frame), x_(x), y_(y) {
  const double right = frame.left + frame.width, bottom = frame.top + frame.height;
  for (const double tick : x_.ticks()) {
    drawing_.line(this->x(tick), frame.top, this->x(tick), bottom, "grid");
    drawing_.text(this->x(tick), bottom + 16, x_text(tick), Drawing::Anchor::middle, "small");
  }
  for (const double tick : y_.ticks()) {
    drawing_.line(frame.left, this->y(tick), right, this->y(tick), "grid");
    drawing_.text(frame.left - 8, this->y(tick) + 4, y_text(tick), Drawing::Anchor::end, "small");
  }
}

void LogAxes::line(const std::vector<Point>& points, std::string_view colour, bool dashed) {
  std::vector<Point> placed;
  for (const auto& [at_x, at_y] : points) placed.emplace_back(x(at_x), y(at_y));
  drawing_.path(placed, colour, dashed);
}

LogAxes::Point LogAxes::roof(double bandwidth, double peak, std::string_view colour, bool dashed) {
  const auto at = [&](double x) { return Point(x, std::min(peak, x * bandwidth)); };
  const double entry = std::max(x_.low, y_.low / bandwidth);
  line({at(entry), at(std::clamp(peak / bandwidth, entry, x_.high)), at(x_.high)}, colour, dashed);
  return at(entry);
}

}  // namespace satsuma::tools
