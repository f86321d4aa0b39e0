#include "tools/satsuma/kernel_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "satsuma/train/atomic_file.hpp"
#include "tools/satsuma/machine_peak.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/svg_plot.hpp"

namespace satsuma::tools {

namespace {

constexpr const char* kIdeal = "#888";

std::string colour_of(Pass pass) {
  return pass == Pass::ff ? "#4a6fa5" : pass == Pass::bp ? "#d9730d" : "#2f8f5b";
}

double density(Pattern pattern) {
  return static_cast<double>(pattern.n) / pattern.m;
}

double mean_of(const KernelPlot::Speed& speed, Pass pass) {
  return pass == Pass::ff ? speed.ff : speed.bp;
}

/// Every pattern is a dot; the line goes through the means of those of one density.
void draw_speed(SvgPlot& picture, const std::vector<KernelPlot::Speed>& curve) {
  double low = 0.5;
  double high = 1;
  for (const KernelPlot::Speed& each : curve) {
    low = std::min(low, density(each.pattern) / 1.25);
    for (const Pass pass : {Pass::ff, Pass::bp}) high = std::max(high, mean_of(each, pass));
  }
  high = std::exp2(std::ceil(std::log2(std::max(high, 1 / low)) - 0.3));
  SvgPlot::Axes axes = {
      "times as fast as oneDNN dense, geometric mean", "density N/M", low, 1, 0.5, high, {}, {}};
  axes.x_ticks = SvgPlot::powers(2, low, 1);
  axes.y_ticks = SvgPlot::powers(2, 0.5, high);
  for (auto& tick : axes.x_ticks) {
    if (tick.first < 1) tick.second = fmt::format("1/{:.0f}", 1 / tick.first);
  }
  for (auto& tick : axes.y_ticks) tick.second += "x";
  picture.panel(axes);
  picture.line({{low, 1 / low}, {1, 1}}, kIdeal, true);
  for (const Pass pass : {Pass::ff, Pass::bp}) {
    std::map<double, std::vector<double>> ratios;
    for (const KernelPlot::Speed& each : curve) {
      if (mean_of(each, pass) > 0) ratios[density(each.pattern)].push_back(mean_of(each, pass));
    }
    std::vector<SvgPlot::Point> points;
    for (const auto& [at, values] : ratios) points.emplace_back(at, geometric_mean(values));
    if (points.size() > 1) picture.line(points, colour_of(pass));
    for (const KernelPlot::Speed& each : curve) {
      if (mean_of(each, pass) <= 0) continue;
      picture.mark(
          {density(each.pattern), mean_of(each, pass)}, colour_of(pass), SvgPlot::Mark::dot,
          fmt::format("{} {} {:.2f}x", to_string(pass), to_string(each.pattern), mean_of(each, pass)));
    }
    picture.legend(colour_of(pass), std::string(to_string(pass)));
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
    if (label.first > 0) picture.label({at, label.first / 1.3}, label.second, true);
  }
  picture.legend(kIdeal, "ideal: M/N");
}

void draw_roofline(SvgPlot& picture, const std::vector<KernelPlot::Dot>& dots, const MachinePeak& peak) {
  const double ridge = peak.gflops / peak.gigabytes_a_second;
  double left = ridge / 2;
  double right = ridge * 2;
  double low = peak.gflops / 2;
  double high = peak.gflops;
  for (const KernelPlot::Dot& dot : dots) {
    left = std::min(left, dot.flops_a_byte);
    right = std::max(right, dot.flops_a_byte);
    low = std::min(low, dot.gflops);
    high = std::max(high, dot.gflops);
  }
  const auto power_below = [](double value) { return std::exp2(std::floor(std::log2(value))); };
  SvgPlot::Axes axes = {"roofline: GFLOP/s, pruned and padding not counted",
                        "FLOP a byte of operands, each read or written once",
                        power_below(left),
                        2 * power_below(right),
                        power_below(low),
                        2 * power_below(1.1 * high),
                        {},
                        {}};
  axes.x_ticks = SvgPlot::powers(2, axes.x_low, axes.x_high);
  axes.y_ticks = SvgPlot::powers(2, axes.y_low, axes.y_high);
  picture.panel(axes);
  picture.line(
      {{axes.x_low, peak.gigabytes_a_second * axes.x_low}, {ridge, peak.gflops}, {axes.x_high, peak.gflops}},
      kIdeal, true);
  picture.label(
      {axes.x_high, peak.gflops},
      fmt::format("multiply-adds {:.0f} GFLOP/s, memory {:.0f} GB/s", peak.gflops, peak.gigabytes_a_second),
      true);
  for (const KernelPlot::Dot& dot : dots) {
    picture.mark(
        {dot.flops_a_byte, dot.gflops}, colour_of(dot.pass),
        dot.sparse ? SvgPlot::Mark::dot : SvgPlot::Mark::ring,
        fmt::format("{}: {:.1f} FLOP a byte, {:.0f} GFLOP/s", dot.name, dot.flops_a_byte, dot.gflops));
  }
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
    picture.legend(colour_of(pass), std::string(to_string(pass)));
}

}  // namespace

void write_plot(const KernelPlot& plot, const std::string& path) {
  SvgPlot picture(plot.title);
  draw_speed(picture, plot.curve);
  draw_roofline(picture, plot.roofline, measure_peak());
  const Pattern first = plot.curve.front().pattern;
  if (!first.dense()) picture.legend("none", fmt::format("filled: {}, ring: dense", to_string(first)));
  train::write_atomically(path, picture.svg());
}

}  // namespace satsuma::tools
