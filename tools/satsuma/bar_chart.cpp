#include "tools/satsuma/bar_chart.hpp"

#include <fmt/core.h>

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
  // Seven pixels a byte of the widest name, and no more than leaves the bars to be seen.
  constexpr double kLetter = 7, kMostRoom = 320;
  double room = left;
  for (const Bar& bar : bars)
    room = std::max(room, std::min(kLetter * static_cast<double>(bar.name.size()) + 16, kMostRoom));
  Drawing drawing;
  const double bottom = kTop + kRow * static_cast<double>(bars.size());
  const auto x = [&](double value) { return room + kPlot * value / most; };
  for (const double tick : ticks_to(most)) {
    drawing.line(x(tick), kTop, x(tick), bottom, "grid");
    drawing.text(x(tick), bottom + 16, value_text(tick), Anchor::middle, "small");
  }
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = kTop + kRow * static_cast<double>(i) + (kRow - kThick) / 2;
    drawing.text(room - 8, y + kThick - 4, bar.name, Anchor::end);
    double from = 0;
    for (const BarPiece& piece : bar.pieces) {
      drawing.rect(x(from), y, x(from + piece.value) - x(from), kThick, piece.fill,
                   fmt::format("{}, {}: {}", bar.name, piece.name, value_text(piece.value)));
      from += piece.value;
    }
    drawing.text(x(from) + 6, y + kThick - 4, bar.label);
  }
  drawing.text(room + kPlot / 2, bottom + 34, axis, Anchor::middle, "small");
  double height = bottom + 44;
  if (!legend.empty()) height += 8 + drawing.legend(room, height, kPlot + kRight - 10, legend);
  return drawing.svg(room + kPlot + kRight, height, label);
}

}  // namespace satsuma::tools
