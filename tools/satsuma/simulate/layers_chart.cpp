#include <fmt/core.h>

#include <algorithm>

#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

constexpr double kLeft = 190, kCycles = 360, kGap = 56, kShare = 180, kRow = 16, kThick = 11, kTop = 30;

std::string hint_of(const std::string& layer, const sat::PassTiming& timing, const sat::Config& config) {
  std::string hint =
      fmt::format("{}, {}: {} cycles, {}, utilisation {:.0f} %, computing {}", layer, to_string(timing.pass),
                  cycles_text(timing.cycles), sat::to_string(timing.schedule.dataflow),
                  100 * timing.utilization(config), cycles_text(timing.compute_cycles));
  for (const auto& cause : kStallCauses) {
    const std::int64_t cycles = timing.stalls.*cause.value;
    if (cycles > 0) hint += fmt::format(", {} {}", cause.name, cycles_text(cycles));
  }
  return hint;
}

}  // namespace

std::string layers_chart(const sat::Report& report) {
  const sat::Run& run = report.run;
  double most = 0;
  for (const sat::LayerTiming& layer : run.timing.layers)
    most = std::max(most, static_cast<double>(layer.total().cycles));
  if (!(most > 0)) return {};
  Drawing drawing;
  const double bottom = kTop + kRow * static_cast<double>(run.timing.layers.size());
  const double right = kLeft + kCycles + kGap;
  const auto x = [&](double cycles) { return kLeft + kCycles * cycles / most; };
  drawing.text(kLeft, kTop - 12, "cycles; pale: the array waits", Anchor::start, "small");
  drawing.text(right, kTop - 12, "utilisation of the array", Anchor::start, "small");
  for (const double tick : ticks_to(most)) {
    drawing.line(x(tick), kTop, x(tick), bottom, "grid");
    drawing.text(x(tick), bottom + 16, short_count(tick), Anchor::middle, "small");
  }
  for (const int percent : {0, 25, 50, 75, 100}) {
    const double at = right + kShare * percent / 100;
    drawing.line(at, kTop, at, bottom, "grid");
    drawing.text(at, bottom + 16, fmt::format("{} %", percent), Anchor::middle, "small");
  }
  for (std::size_t i = 0; i < run.timing.layers.size(); ++i) {
    const sat::LayerTiming& layer = run.timing.layers[i];
    const double y = kTop + kRow * static_cast<double>(i) + (kRow - kThick) / 2;
    drawing.text(kLeft - 8, y + kThick - 2, layer.name, Anchor::end, "small");
    double from = 0;
    for (const PassColour& pass : kPassColours) {
      const sat::PassTiming& timing = layer[pass.pass];
      if (!timing.run) continue;
      const std::string hint = hint_of(layer.name, timing, run.config);
      const auto computing = static_cast<double>(timing.compute_cycles);
      const auto stalled = static_cast<double>(timing.stalls.total());
      drawing.rect(x(from), y, x(computing) - x(0), kThick, pass.fill, hint);
      drawing.rect(x(from + computing), y, x(stalled) - x(0), kThick, pass.fill, hint, 0.35);
      from += computing + stalled;
      drawing.circle(right + kShare * timing.utilization(run.config), y + kThick / 2, 3.5, pass.fill, hint);
    }
  }
  const double height = bottom + 28 + drawing.legend(kLeft, bottom + 28, kCycles, legend_of(kPassColours));
  return drawing.svg(right + kShare + 30, height, "Cycles and utilisation of each layer by pass");
}

}  // namespace satsuma::tools
