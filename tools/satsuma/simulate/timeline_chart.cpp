#include <fmt/core.h>

#include "satsuma/sat/timeline.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

using Anchor = Drawing::Anchor;

constexpr double kLeft = 60, kWidth = 820, kTop = 26, kLane = 30, kThick = 22;

std::string_view fill_of(Pass pass) {
  return kPassColours[static_cast<std::size_t>(pass)].fill;
}

}  // namespace

std::string timeline_chart(const sat::Report& report) {
  const sat::Run& run = report.run;
  const std::int64_t all = run.timing.total().cycles;
  if (all == 0) return {};
  Drawing drawing;
  const auto x = [&](std::int64_t cycles) {
    return kLeft + kWidth * static_cast<double>(cycles) / static_cast<double>(all);
  };
  const double bottom = kTop + kLane * sat::kEngines.size();
  const double seconds = run.config.seconds(all);
  const double unit = seconds < 1e-3 ? 1e6 : seconds < 1 ? 1e3 : 1;
  for (const double tick : ticks_to(seconds * unit, 8)) {
    const double at = kLeft + kWidth * tick / (seconds * unit);
    drawing.line(at, kTop, at, bottom, "grid");
    drawing.text(at, bottom + 16, fmt::format("{:g}", tick), Anchor::middle, "small");
  }
  const sat::Busy busy = run.timing.total().busy;
  for (const sat::Engine engine : sat::kEngines) {
    const double y = kTop + kLane * static_cast<double>(engine);
    const auto cycles = static_cast<double>(sat::busy_of(engine, busy));
    drawing.text(kLeft - 8, y + kLane / 2 + 4, sat::to_string(engine), Anchor::end);
    drawing.text(kLeft + kWidth + 6, y + kLane / 2 + 4,
                 fmt::format("{:.1f} %", 100 * cycles / static_cast<double>(all)), Anchor::start, "small");
  }
  for (const sat::Interval& interval : sat::timeline(run.timing)) {
    const double y = kTop + kLane * static_cast<double>(interval.engine) + (kLane - kThick) / 2;
    drawing.rect(x(interval.begin), y, x(interval.end) - x(interval.begin), kThick, fill_of(interval.pass),
                 fmt::format("{}, {}, {}: {} cycles from {} on", sat::to_string(interval.engine),
                             run.timing.layers[interval.layer].name, to_string(interval.pass),
                             cycles_text(interval.end - interval.begin), cycles_text(interval.begin)));
  }
  drawing.text(kLeft, kTop - 8, "busy, by pass; behind each line its share of the step", Anchor::start,
               "small");
  drawing.text(kLeft + kWidth / 2, bottom + 34,
               unit == 1     ? "seconds"
               : unit == 1e3 ? "milliseconds"
                             : "microseconds",
               Anchor::middle, "small");
  const double height = bottom + 44 + drawing.legend(kLeft, bottom + 44, kWidth, legend_of(kPassColours));
  return drawing.svg(kLeft + kWidth + 60, height, "Which engine works when in a step");
}

}  // namespace satsuma::tools
