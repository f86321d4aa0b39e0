#include "tools/satsuma/bar_chart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/satsuma/drawing.hpp"

namespace satsuma::tools {

double Bar::length() const {
  double sum = 0;
  for (const BarPiece& piece : pieces) sum += piece.value;
  return sum;
}

std::string BarChart::svg() const {
  using Anchor = Drawing::Anchor;
  constexpr double kPlot = 400, kRight = 110, kRow = 26, kThick = 16, kTop = 8;
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.length());
  if (!(most > 0)) return {};
  Drawing drawing;
  const double bottom = kTop + kRow * static_cast<double>(bars.size());
  const auto x = [&](double value) { return left + kPlot * value / most; };
  for (const double tick : ticks_to(most)) {
    drawing.line(x(tick), kTop, x(tick), bottom, "grid");
    drawing.text(x(tick), bottom + 16, value_text(tick), Anchor::middle, "small");
  }
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = kTop + kRow * static_cast<double>(i) + (kRow - kThick) / 2;
    drawing.text(left - 8, y + kThick - 4, bar.name, Anchor::end);
    double from = 0;
    for (const BarPiece& piece : bar.pieces) {
      drawing.rect(x(from), y, x(from + piece.value) - x(from), kThick, piece.fill,
                   fmt::format("{}, {}: {}", bar.name, piece.name, value_text(piece.value)));
      from += piece.value;
    }
    drawing.text(x(from) + 6, y + kThick - 4, bar.label);
  }
  drawing.text(left + kPlot / 2, bottom + 34, axis, Anchor::middle, "small");
  double height = bottom + 44;
  if (!legend.empty()) height += 8 + drawing.legend(left, height, kPlot + kRight - 10, legend);
  return drawing.svg(left + kPlot + kRight, height, label);
}

}  // namespace satsuma::tools
