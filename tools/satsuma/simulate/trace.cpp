#include <algorithm>

#include "satsuma/sat/timeline.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/perfetto.hpp"
#include "tools/satsuma/simulate/page.hpp"

namespace satsuma::tools {

std::string perfetto_trace(const sat::Report& report) {
  const sat::Run& run = report.run;
  const auto microseconds = [&](std::int64_t cycles) {
    return static_cast<double>(cycles) / run.config.clock_mhz;
  };
  Json events = Json::array();
  events.push_back(trace_process("SAT: " + run.workload.name + " " + run.method));
  for (const sat::Engine engine : sat::kEngines)
    events.push_back(trace_lane(static_cast<int>(engine), sat::to_string(engine)));
  std::vector<sat::Interval> intervals = sat::timeline(run.timing);
  std::stable_sort(intervals.begin(), intervals.end(),
                   [](const sat::Interval& a, const sat::Interval& b) { return a.begin < b.begin; });
  for (const sat::Interval& interval : intervals) {
    const sat::LayerTiming& layer = run.timing.layers[interval.layer];
    const sat::PassTiming& timing = layer[interval.pass];
    events.push_back({{"name", layer.name + " " + std::string(to_string(interval.pass))},
                      {"cat", to_string(interval.pass)},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", static_cast<int>(interval.engine)},
                      {"ts", microseconds(interval.begin)},
                      {"dur", microseconds(interval.end - interval.begin)},
                      {"args",
                       {{"cycles", interval.end - interval.begin},
                        {"pass_cycles", timing.cycles},
                        {"stall_cycles", timing.stalls.total()},
                        {"dataflow", sat::to_string(timing.schedule.dataflow)},
                        {"pattern", to_string(timing.pattern)},
                        {"bytes", timing.read.total() + timing.written.total()}}}});
  }
  return trace_text(events);
}

}  // namespace satsuma::tools
