#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/satsuma/output.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

constexpr double kLeft = 70, kWidth = 500, kTop = 24, kHeight = 300;

/// A logarithmic axis from a power of ten to a power of ten.
struct LogAxis {
  double low = 1, high = 10;

  void include(double value) {
    if (!(value > 0) || !std::isfinite(value)) return;
    low = std::min(low, std::pow(10, std::floor(std::log10(value))));
    high = std::max(high, std::pow(10, std::ceil(std::log10(value))));
  }
  double share(double value) const { return std::log(value / low) / std::log(high / low); }
};

}  // namespace

std::string roofline_chart(const sat::Report& report) {
  const sat::Run& run = report.run;
  const double bytes_per_second = run.config.dram_bytes_per_cycle() * run.config.clock_mhz * 1e6;
  if (!std::isfinite(bytes_per_second)) return {};
  const double roof = run.config.peak_gops();
  LogAxis intensity,
      speed{std::pow(10, std::floor(std::log10(roof))), std::pow(10, std::ceil(std::log10(roof)))};
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const sat::PassTiming& timing : layer.pass) {
      intensity.include(timing.intensity());
      speed.include(timing.gops(run.config));
    }
  }
  const auto x = [&](double value) { return kLeft + kWidth * intensity.share(value); };
  const auto y = [&](double value) { return kTop + kHeight * (1 - speed.share(value)); };
  Drawing drawing;
  for (double tick = intensity.low; tick <= intensity.high * 1.001; tick *= 10) {
    drawing.line(x(tick), kTop, x(tick), kTop + kHeight, "grid");
    drawing.text(x(tick), kTop + kHeight + 16, fmt::format("{:g}", tick), Anchor::middle, "small");
  }
  for (double tick = speed.low; tick <= speed.high * 1.001; tick *= 10) {
    drawing.line(kLeft, y(tick), kLeft + kWidth, y(tick), "grid");
    drawing.text(kLeft - 8, y(tick) + 4, fmt::format("{:g}", tick), Anchor::end, "small");
  }
  // The roof: what DRAM delivers, then what the array multiplies.
  const double ridge = roof * 1e9 / bytes_per_second;
  const double lowest = std::max(intensity.low, speed.low * 1e9 / bytes_per_second);
  const double bend = std::clamp(ridge, lowest, intensity.high);
  drawing.path({{x(lowest), y(lowest * bytes_per_second * 1e-9)},
                {x(bend), y(bend * bytes_per_second * 1e-9)},
                {x(intensity.high), y(std::min(roof, intensity.high * bytes_per_second * 1e-9))}},
               colour::grey);
  drawing.text(kLeft + kWidth - 4, y(roof) - 6, fmt::format("array {:.4g} GOPS [A]", roof), Anchor::end,
               "small");
  drawing.text(x(lowest) + 8, y(lowest * bytes_per_second * 1e-9) - 4,
               fmt::format("DRAM {:.3g} GB/s [A]", bytes_per_second * 1e-9), Anchor::start, "small");
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const PassColour& pass : kPassColours) {
      const sat::PassTiming& timing = layer[pass.pass];
      if (!timing.run || timing.cycles == 0 || !(timing.intensity() > 0)) continue;
      drawing.circle(x(timing.intensity()), y(timing.gops(run.config)), 3.5, pass.fill,
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
