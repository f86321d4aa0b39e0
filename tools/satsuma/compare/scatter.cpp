#include "tools/satsuma/compare/scatter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace satsuma::tools::compare {

namespace {

constexpr double kLeft = 70, kRight = 24, kTop = 18, kBottom = 52;

/// Round values inside of [low, high].
std::vector<double> ticks_between(double low, double high) {
  const std::vector<double> steps = ticks_to(high - low);
  const double step = steps.size() > 1 ? steps[1] - steps[0] : high - low;
  std::vector<double> ticks;
  for (double tick = std::ceil(low / step) * step; tick <= high + 1e-9 * step; tick += step)
    ticks.push_back(tick);
  return ticks;
}

}  // namespace

void Scatter::draw(Drawing& drawing) const {
  using Anchor = Drawing::Anchor;
  double right = 0, low = dots.front().y, high = low;
  for (const Dot& dot : dots) {
    right = std::max(right, dot.x);
    low = std::min(low, dot.y - dot.spread.value_or(0));
    high = std::max(high, dot.y + dot.spread.value_or(0));
  }
  // Room above and below, and something to divide by where all dots are the same.
  const double margin = std::max(0.15 * (high - low), 1e-3);
  low -= margin;
  high += margin;
  right = right > 0 ? 1.18 * right : 1;
  const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
  const auto x = [&](double value) { return kLeft + width * value / right; };
  const auto y = [&](double value) { return kTop + height * (high - value) / (high - low); };
  for (const double tick : ticks_to(right)) {
    drawing.line(x(tick), kTop, x(tick), kTop + height, "grid");
    drawing.text(x(tick), kTop + height + 16, x_text(tick), Anchor::middle, "small");
  }
  for (const double tick : ticks_between(low, high)) {
    drawing.line(kLeft, y(tick), kLeft + width, y(tick), "grid");
    drawing.text(kLeft - 6, y(tick) + 4, y_text(tick), Anchor::end, "small");
  }
  drawing.text(kLeft + width / 2, kTop + height + 38, x_name, Anchor::middle, "small");
  drawing.text(kLeft, kTop - 6, y_name, Anchor::start, "small");

  std::vector<std::pair<double, double>> frontier;
  for (const Dot& dot : dots) {
    if (dot.frontier) frontier.emplace_back(x(dot.x), y(dot.y));
  }
  std::sort(frontier.begin(), frontier.end());
  if (frontier.size() > 1) drawing.path(frontier, colour::green, true);
  for (const Dot& dot : dots) {
    const std::string_view fill = dot.frontier ? colour::green : colour::grey;
    if (const double spread = dot.spread.value_or(0); spread > 0)
      drawing.path({{x(dot.x), y(dot.y - spread)}, {x(dot.x), y(dot.y + spread)}}, fill);
    drawing.circle(x(dot.x), y(dot.y), 4.5, fill,
                   fmt::format("{}: {}, {}", dot.name, y_text(dot.y), x_text(dot.x)));
    drawing.text(x(dot.x) + 8, y(dot.y) - 6, dot.name, Anchor::start, "small");
  }
}

std::string Scatter::svg() const {
  if (dots.empty()) return {};
  Drawing drawing;
  draw(drawing);
  return drawing.svg(kWidth, kHeight, label);
}

}  // namespace satsuma::tools::compare
