#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

constexpr double kLeft = 70, kWidth = 560, kTop = 26, kHeight = 320;
/// Beyond so many points names would cover each other.
constexpr std::size_t kMostNames = 12;

std::string name_of(const sat::Sweep& sweep, const sat::SweepPoint& point) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < sweep.axes.size(); ++i) {
    const std::string& key = sweep.axes[i].key;
    parts.push_back(fmt::format("{} {}", key.substr(key.rfind('.') + 1), point.values[i]));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string sweep_chart(const sat::Report& report) {
  const sat::Sweep& sweep = report.sweep;
  std::vector<const sat::SweepPoint*> points, front;
  double most_speed = 0, most_energy = 0;
  for (const sat::SweepPoint& point : sweep.points) {
    if (!point.refused.empty()) continue;
    points.push_back(&point);
    if (point.pareto) front.push_back(&point);
    most_speed = std::max(most_speed, point.images_per_second);
    most_energy = std::max(most_energy, point.joules_per_image);
  }
  if (points.empty() || !(most_energy > 0)) return {};
  const auto x = [&](double speed) { return kLeft + kWidth * speed / (1.05 * most_speed); };
  const auto y = [&](double joules) { return kTop + kHeight * (1 - joules / (1.05 * most_energy)); };
  Drawing drawing;
  for (const double tick : ticks_to(1.05 * most_speed)) {
    drawing.line(x(tick), kTop, x(tick), kTop + kHeight, "grid");
    drawing.text(x(tick), kTop + kHeight + 16, fmt::format("{:g}", tick), Anchor::middle, "small");
  }
  for (const double tick : ticks_to(1.05 * most_energy)) {
    drawing.line(kLeft, y(tick), kLeft + kWidth, y(tick), "grid");
    drawing.text(kLeft - 8, y(tick) + 4, fmt::format("{:.3g}", tick), Anchor::end, "small");
  }
  std::sort(front.begin(), front.end(),
            [](const auto* a, const auto* b) { return a->images_per_second < b->images_per_second; });
  std::vector<std::pair<double, double>> line;
  for (const sat::SweepPoint* point : front)
    line.emplace_back(x(point->images_per_second), y(point->joules_per_image));
  drawing.path(line, colour::red, true);
  for (const sat::SweepPoint* point : points) {
    drawing.circle(
        x(point->images_per_second), y(point->joules_per_image), 4,
        point->pareto ? colour::red : colour::blue,
        fmt::format("{}: {:.4g} images/s, {:.4g} J/image, {} cycles", name_of(sweep, *point),
                    point->images_per_second, point->joules_per_image, cycles_text(point->total.cycles)));
  }
  if (front.size() <= kMostNames) {
    for (const sat::SweepPoint* point : front) {
      const bool left = x(point->images_per_second) > kLeft + kWidth / 2;
      drawing.text(x(point->images_per_second) + (left ? -8 : 8), y(point->joules_per_image) + 14,
                   name_of(sweep, *point), left ? Anchor::end : Anchor::start, "small");
    }
  }
  drawing.text(kLeft + kWidth / 2, kTop + kHeight + 34, "images a second", Anchor::middle, "small");
  drawing.text(4, kTop - 8, "joules an image [A]", Anchor::start, "small");
  const double below = kTop + kHeight + 46;
  const double height =
      below + drawing.legend(kLeft, below, kWidth,
                             {{colour::red, "Pareto front: nothing is as fast with less energy"},
                              {colour::blue, "other points"}});
  return drawing.svg(kLeft + kWidth + 30, height, "Speed against energy of the points of the sweep");
}

}  // namespace satsuma::tools
