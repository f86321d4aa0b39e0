#include "tools/satsuma/lr_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "satsuma/train/atomic_file.hpp"
#include "tools/satsuma/log_axes.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

constexpr LogAxes::Frame kFrame = {64, 60, 560, 320};

LogAxes::Point at(const train::LrCurve& curve, double lr) {
  const auto found = std::find_if(curve.points.begin(), curve.points.end(),
                                  [&](const auto& point) { return point.lr == lr; });
  return {found->lr, found->smoothed};
}

}  // namespace

void print_lr_curve(const train::LrCurve& curve) {
  Table table({"learning rate", "loss", "smoothed"},
              {Table::Align::right, Table::Align::right, Table::Align::right});
  const std::size_t stride = std::max<std::size_t>((curve.points.size() + 19) / 20, 1);
  for (std::size_t i = 0; i < curve.points.size(); i += stride) {
    const auto& point = curve.points[i];
    table.add({fmt::format("{:.3g}", point.lr), fmt::format("{:.4f}", point.loss),
               fmt::format("{:.4f}", point.smoothed)});
  }
  table.print();
  if (curve.steepest > 0) {
    fmt::print("\nthe loss falls fastest at {:.2g} and is least at {:.2g}; try --lr {:.2g}\n", curve.steepest,
               curve.least, curve.steepest);
  } else {
    fmt::print("\nthe loss does not fall; look at the data, the model and --init\n");
  }
}

void draw_lr_curve(const train::LrCurve& curve, const std::string& title, const std::string& path) {
  const auto& points = curve.points;
  LogRange x = LogRange::around(points.front().lr, 10), y = LogRange::around(points.front().smoothed, 2);
  std::vector<LogAxes::Point> losses, smoothed;
  for (const auto& point : points) {
    x.include(point.lr);
    for (const double loss : {point.loss, point.smoothed}) y.include(loss);
    losses.emplace_back(point.lr, point.loss);
    smoothed.emplace_back(point.lr, point.smoothed);
  }
  Drawing drawing;
  drawing.text(kFrame.left, 24, title, Drawing::Anchor::start, "title");
  drawing.text(kFrame.left + kFrame.width / 2, kFrame.top + kFrame.height + 36, "learning rate",
               Drawing::Anchor::middle, "small");
  LogAxes axes(drawing, kFrame, x, y, [](double value) { return fmt::format("{:g}", value); });
  if (points.size() > 1) {
    axes.line(losses, colour::sky);
    axes.line(smoothed, colour::blue);
  }
  for (const auto& [lr, name, fill] : {std::tuple{curve.steepest, "falls fastest", colour::green},
                                       std::tuple{curve.least, "is least", colour::red}}) {
    if (lr <= 0) continue;
    const auto [rate, loss] = at(curve, lr);
    drawing.circle(axes.x(rate), axes.y(loss), 5, fill, fmt::format("the loss {} at {:.2g}", name, lr));
  }
  drawing.legend(kFrame.left, kFrame.top + kFrame.height + 52, kFrame.width,
                 {{colour::sky, "loss of the step"},
                  {colour::blue, "smoothed"},
                  {colour::green, fmt::format("falls fastest: {:.2g}", curve.steepest)},
                  {colour::red, fmt::format("is least: {:.2g}", curve.least)}});
  train::write_atomically(
      path, drawing.file(kFrame.left + kFrame.width + 40, kFrame.top + kFrame.height + 84, title));
}

}  // namespace satsuma::tools
