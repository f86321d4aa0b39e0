#include "tools/satsuma/kernel_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "satsuma/train/atomic_file.hpp"
#include "tools/satsuma/log_axes.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools {

namespace {

constexpr double kPanelWidth = 380, kPanelStep = 460, kLegendTop = 426, kHeight = 456;
/// Of the first panel; the next is right of it.
constexpr LogAxes::Frame kFrame = {64, 74, kPanelWidth, 306};
constexpr LogAxes::Frame kSecondFrame = {kFrame.left + kPanelStep, kFrame.top, kPanelWidth, kFrame.height};

std::string_view colour_of(Pass pass) {
  return pass == Pass::ff ? colour::blue : pass == Pass::bp ? colour::orange : colour::green;
}

/// Title above axes and the name of x below them.
void draw_names(Drawing& drawing, const LogAxes::Frame& frame, std::string_view title,
                std::string_view x_name) {
  drawing.text(frame.left, frame.top - 14, title, Drawing::Anchor::start, "title");
  drawing.text(frame.left + frame.width / 2, frame.top + frame.height + 36, x_name, Drawing::Anchor::middle,
               "small");
}

double density(Pattern pattern) {
  return static_cast<double>(pattern.n) / pattern.m;
}

double mean_of(const KernelPlot::Speed& speed, Pass pass) {
  return pass == Pass::ff ? speed.ff : speed.bp;
}

/// Every pattern is a dot; the line goes through the means of those of one density.
void draw_speed(Drawing& drawing, const std::vector<KernelPlot::Speed>& curve) {
  LogRange x{2, 0.5, 1}, y{2, 0.5, 1};
  for (const KernelPlot::Speed& each : curve) {
    // Room for the text left of a dot and below it.
    x.low = std::min(x.low, density(each.pattern) / 1.25);
    y.include(1 / density(each.pattern));
    for (const Pass pass : {Pass::ff, Pass::bp}) {
      y.include(mean_of(each, pass));
      y.include(mean_of(each, pass) / 1.5);
    }
  }
  draw_names(drawing, kFrame, "times as fast as oneDNN dense, geometric mean", "density N/M");
  LogAxes axes(
      drawing, kFrame, x, y,
      [](double value) { return value < 1 ? fmt::format("1/{:g}", 1 / value) : plain_text(value); },
      [](double value) { return plain_text(value) + "x"; });
  const double sparsest = std::max(x.low, 1 / y.high);
  axes.line({{sparsest, 1 / sparsest}, {1, 1}}, colour::grey, true);
  for (const Pass pass : {Pass::ff, Pass::bp}) {
    std::map<double, std::vector<double>> ratios;
    for (const KernelPlot::Speed& each : curve) {
      if (mean_of(each, pass) > 0) ratios[density(each.pattern)].push_back(mean_of(each, pass));
    }
    std::vector<LogAxes::Point> points;
    for (const auto& [at, values] : ratios) points.emplace_back(at, geometric_mean(values));
    if (points.size() > 1) axes.line(points, colour_of(pass));
    for (const KernelPlot::Speed& each : curve) {
      const double mean = mean_of(each, pass);
      if (mean <= 0) continue;
      drawing.circle(axes.x(density(each.pattern)), axes.y(mean), 3, colour_of(pass),
                     fmt::format("{} {} {:.2f}x", to_string(pass), to_string(each.pattern), mean));
    }
  }
  // The patterns of one density in one text, below and left of their dots.
  std::map<double, std::pair<double, std::string>> labels;
  for (const KernelPlot::Speed& each : curve) {
    auto& [lowest, text] = labels[density(each.pattern)];
    const double least = std::min(each.ff > 0 ? each.ff : each.bp, each.bp > 0 ? each.bp : each.ff);
    lowest = text.empty() ? least : std::min(lowest, least);
    text += (text.empty() ? "" : ", ") + to_string(each.pattern);
  }
  for (const auto& [at, label] : labels) {
    if (label.first > 0) {
      drawing.text(axes.x(at) - 6, axes.y(label.first / 1.3) - 6, label.second, Drawing::Anchor::end,
                   "small");
    }
  }
  drawing.legend(kFrame.left, kLegendTop, kPanelWidth,
                 {{colour_of(Pass::ff), "FF"}, {colour_of(Pass::bp), "BP"}, {colour::grey, "ideal: M/N"}});
}

void draw_roofline(Drawing& drawing, const std::vector<KernelPlot::Dot>& dots, const cpu::MachinePeak& peak) {
  const double ridge = peak.gflops / peak.gigabytes_a_second;
  LogRange x = LogRange::around(ridge, 2), y = LogRange::around(peak.gflops, 2);
  x.include(ridge / 2);
  x.include(ridge * 2);
  // Room for the text above the roof.
  y.include(1.3 * peak.gflops);
  for (const KernelPlot::Dot& dot : dots) {
    x.include(dot.flops_a_byte);
    y.include(dot.gflops);
  }
  draw_names(drawing, kSecondFrame, "roofline: GFLOP/s, pruned and padding not counted",
             "FLOP a byte of operands, each read or written once");
  LogAxes axes(drawing, kSecondFrame, x, y);
  axes.roof(peak.gigabytes_a_second, peak.gflops, colour::grey, true);
  drawing.text(
      axes.x(x.high) - 6, axes.y(peak.gflops) - 6,
      fmt::format("multiply-adds {:.0f} GFLOP/s, memory {:.0f} GB/s", peak.gflops, peak.gigabytes_a_second),
      Drawing::Anchor::end, "small");
  for (const KernelPlot::Dot& dot : dots) {
    drawing.circle(
        axes.x(dot.flops_a_byte), axes.y(dot.gflops), 3, colour_of(dot.pass),
        fmt::format("{}: {:.1f} FLOP a byte, {:.0f} GFLOP/s", dot.name, dot.flops_a_byte, dot.gflops),
        !dot.sparse);
  }
  drawing.legend(kSecondFrame.left, kLegendTop, kPanelWidth,
                 {{colour_of(Pass::ff), "FF"}, {colour_of(Pass::bp), "BP"}, {colour_of(Pass::wu), "WU"}});
}

}  // namespace

void write_plot(const KernelPlot& plot, const std::string& path) {
  Drawing drawing;
  drawing.text(kFrame.left, 28, plot.title, Drawing::Anchor::start, "title");
  draw_speed(drawing, plot.curve);
  draw_roofline(drawing, plot.roofline, plot.peak);
  if (const Pattern first = plot.curve.front().pattern; !first.dense()) {
    drawing.text(kSecondFrame.left + kPanelWidth, kLegendTop + 10,
                 fmt::format("filled: {}, ring: dense", to_string(first)), Drawing::Anchor::end, "small");
  }
  train::write_atomically(path, drawing.file(kSecondFrame.left + kPanelWidth + 40, kHeight, plot.title));
}

}  // namespace satsuma::tools
