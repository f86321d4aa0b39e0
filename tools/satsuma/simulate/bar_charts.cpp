#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/satsuma/output.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

struct Piece {
  std::string name;
  double value = 0;
  std::string_view fill;
};

struct Bar {
  std::string name;
  std::vector<Piece> pieces;
  std::string label;  ///< written behind it

  double length() const {
    double sum = 0;
    for (const Piece& piece : pieces) sum += piece.value;
    return sum;
  }
};

/// Horizontal bars of stacked pieces on one axis; `value_text` writes a value of a piece, and of a tick.
template <typename Text>
std::string bars(const std::vector<Bar>& all, std::string_view label, std::string_view axis, Text value_text,
                 const std::vector<std::pair<std::string_view, std::string>>& legend = {}) {
  constexpr double kLeft = 150, kPlot = 400, kRight = 110, kRow = 26, kThick = 16, kTop = 8;
  double most = 0;
  for (const Bar& bar : all) most = std::max(most, bar.length());
  if (!(most > 0)) return {};
  Drawing drawing;
  const double bottom = kTop + kRow * static_cast<double>(all.size());
  const auto x = [&](double value) { return kLeft + kPlot * value / most; };
  for (const double tick : ticks_to(most)) {
    drawing.line(x(tick), kTop, x(tick), bottom, "grid");
    drawing.text(x(tick), bottom + 16, value_text(tick), Anchor::middle, "small");
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Bar& bar = all[i];
    const double y = kTop + kRow * static_cast<double>(i) + (kRow - kThick) / 2;
    drawing.text(kLeft - 8, y + kThick - 4, bar.name, Anchor::end);
    double from = 0;
    for (const Piece& piece : bar.pieces) {
      drawing.rect(x(from), y, x(from + piece.value) - x(from), kThick, piece.fill,
                   fmt::format("{}, {}: {}", bar.name, piece.name, value_text(piece.value)));
      from += piece.value;
    }
    drawing.text(x(from) + 6, y + kThick - 4, bar.label);
  }
  drawing.text(kLeft + kPlot / 2, bottom + 34, axis, Anchor::middle, "small");
  double height = bottom + 44;
  if (!legend.empty()) height += 8 + drawing.legend(kLeft, height, kPlot + kRight - 10, legend);
  return drawing.svg(kLeft + kPlot + kRight, height, label);
}

}  // namespace

std::string speedup_chart(const sat::Report& report) {
  std::vector<Bar> all;
  for (const sat::Run& other : report.compared) {
    if (other.method == report.run.method) continue;
    const double speedup = report.speedup_over(other);
    all.push_back({"over " + method_text(other.method, other.pattern),
                   {{"cycles over cycles", speedup, colour::blue}},
                   fmt::format("{:.2f}x", speedup)});
  }
  return bars(all, "Speed-up over other methods", "times as fast",
              [](double value) { return fmt::format("{:g}x", std::round(value * 100) / 100); });
}

std::string traffic_chart(const sat::Report& report) {
  std::vector<Bar> all;
  for (const PassColour& pass : kPassColours) {
    const sat::Counts counts = report.run.timing.total(pass.pass);
    for (const bool read : {true, false}) {
      const sat::Bytes& bytes = read ? counts.read : counts.written;
      if (bytes.total() == 0) continue;
      Bar bar{fmt::format("{} {}", pass.name, read ? "read" : "written"),
              {},
              bytes_text(static_cast<double>(bytes.total()))};
      for (const auto& operand : kOperands)
        bar.pieces.push_back(
            {std::string(operand.name), static_cast<double>(bytes.*operand.value), operand.fill});
      all.push_back(std::move(bar));
    }
  }
  return bars(all, "Traffic between DRAM and chip by operand", "bytes a step", bytes_text,
              legend_of(kOperands));
}

std::string energy_chart(const sat::Report& report) {
  std::vector<Bar> all;
  const auto add = [&](const sat::Run& run) {
    const sat::Energy energy = run.timing.total().energy;
    Bar bar{run.method.empty() ? "step" : method_text(run.method, run.pattern),
            {},
            fmt::format("{:.3g} J", energy.total())};
    for (const auto& part : kEnergies)
      bar.pieces.push_back({std::string(part.name), energy.*part.value, part.fill});
    all.push_back(std::move(bar));
  };
  add(report.run);
  for (const sat::Run& other : report.compared) {
    if (other.method != report.run.method) add(other);
  }
  return bars(
      all, "Energy of a step by component", "joules a step, all constants assumed [A]",
      [](double value) { return fmt::format("{:.3g} J", value); }, legend_of(kEnergies));
}

std::string ablation_chart(const sat::Report& report) {
  if (report.ablations.empty()) return {};
  const auto bar = [](const std::string& name, std::int64_t cycles) {
    return Bar{name, {{"cycles", static_cast<double>(cycles), colour::blue}}, cycles_text(cycles)};
  };
  std::vector<Bar> all = {bar("everything on", report.run.timing.total().cycles)};
  for (const sat::Ablation& ablation : report.ablations)
    all.push_back(bar("no " + ablation.without, ablation.cycles));
  return bars(all, "Cycles of a step without each technique", "cycles a step", short_count);
}

}  // namespace satsuma::tools
