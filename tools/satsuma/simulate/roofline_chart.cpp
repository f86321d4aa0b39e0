#include <fmt/core.h>

#include <cmath>

#include "tools/satsuma/log_axes.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

constexpr double kLeft = 70, kWidth = 500, kTop = 24, kHeight = 300;

}  // namespace

std::string roofline_chart(const sat::Report& report) {
  const sat::Run& run = report.run;
  const double bytes_per_second = run.config.dram_bytes_per_cycle() * run.config.clock_mhz * 1e6;
  if (!std::isfinite(bytes_per_second)) return {};
  const double roof = run.config.peak_gops();
  LogRange intensity, speed = LogRange::around(roof, 10);
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const sat::PassTiming& timing : layer.pass) {
      intensity.include(timing.intensity());
      speed.include(timing.gops(run.config));
    }
  }
  Drawing drawing;
  LogAxes axes(drawing, {kLeft, kTop, kWidth, kHeight}, intensity, speed);
  const auto entry = axes.roof(bytes_per_second * 1e-9, roof, colour::grey);
  drawing.text(kLeft + kWidth - 4, axes.y(roof) - 6, fmt::format("array {:.4g} GOPS [A]", roof), Anchor::end,
               "small");
  drawing.text(axes.x(entry.first) + 8, axes.y(entry.second) - 4,
               fmt::format("DRAM {:.3g} GB/s [A]", bytes_per_second * 1e-9), Anchor::start, "small");
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const PassColour& pass : kPassColours) {
      const sat::PassTiming& timing = layer[pass.pass];
      if (!timing.run || timing.cycles == 0 || !(timing.intensity() > 0)) continue;
      drawing.circle(axes.x(timing.intensity()), axes.y(timing.gops(run.config)), 3.5, pass.fill,
                     fmt::format("{}, {}: {:.3g} operations a byte, {:.4g} GOPS, as if dense {:.4g}",
                                 layer.name, pass.name, timing.intensity(), timing.gops(run.config),
                                 timing.dense_equivalent_gops(run.config)),
                     !timing.pattern.dense());
    }
  }
  drawing.text(kLeft + kWidth / 2, kTop + kHeight + 34, "operations executed a byte of DRAM traffic",
               Anchor::middle, "small");
  drawing.text(4, kTop - 6, "GOPS executed", Anchor::start, "small");
  const double below = kTop + kHeight + 46;
  const double height = below + drawing.legend(kLeft, below, 200, legend_of(kPassColours));
  drawing.text(kLeft + 190, below + 10, "rings: N:M operand, dots: dense", Anchor::start, "small");
  return drawing.svg(kLeft + kWidth + 30, height,
                     "Roofline: speed of each pass against its operations by byte");
}

}  // namespace satsuma::tools
