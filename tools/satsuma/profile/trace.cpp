#include <fmt/core.h>

#include <chrono>

#include "src/core/json.hpp"
#include "tools/satsuma/perfetto.hpp"
#include "tools/satsuma/profile/step_profile.hpp"

namespace satsuma::tools {

namespace {

enum Lane : int { kPhases = 1, kOperations = 2, kLayers = 3 };

}  // namespace

std::string StepProfile::to_trace() const {
  using Clock = Profile::Clock;
  Json events = Json::array();
  events.push_back(
      trace_process(fmt::format("{}, {}, batch {}", recipe.model, recipe.method, recipe.batch_size)));
  events.push_back(trace_lane(kPhases, "phases"));
  events.push_back(trace_lane(kOperations, "operations"));
  events.push_back(trace_lane(kLayers, "layers"));
  if (laps.empty()) return trace_text(events);
  const Clock::time_point zero = laps.front().begin;
  const auto microseconds = [](Clock::duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
  };
  const auto add = [&](Lane lane, std::string_view name, std::string_view category, Clock::time_point begin,
                       Clock::time_point end, const Json& arguments) {
    events.push_back({{"name", name},
                      {"cat", category},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", static_cast<int>(lane)},
                      {"ts", microseconds(begin - zero)},
                      {"dur", microseconds(end - begin)},
                      {"args", arguments}});
  };
  // A phase is what lies between the first and the last of its laps that follow each other.
  for (std::size_t i = 0; i < laps.size();) {
    std::size_t end = i + 1;
    while (end < laps.size() && laps[end].key.phase == laps[i].key.phase) ++end;
    const std::string_view phase = to_string(laps[i].key.phase);
    add(kPhases, phase, phase, laps[i].begin, laps[end - 1].end, Json::object());
    i = end;
  }
  for (const Profile::Lap& lap : laps) {
    add(kOperations, lap.key.operation, to_string(lap.key.phase), lap.begin, lap.end, Json::object());
    events.push_back({{"name", "memory in use"},
                      {"ph", "C"},
                      {"pid", 1},
                      {"ts", microseconds(lap.end - zero)},
                      {"args", {{"bytes", lap.bytes_in_use}}}});
  }
  for (const Profile::LayerPart& part : parts) {
    Json arguments = Json::object();
    for (const LayerCost& cost : layers) {
      if (cost.layer != part.layer || cost.part != part.part) continue;
      arguments = {{"nm", cost.nm.empty() ? "1:1" : cost.nm},
                   {"device", cost.device},
                   {"macs", cost.macs},
                   {"bytes", cost.bytes},
                   {"memory_bytes", part.bytes_in_use}};
    }
    add(kLayers, part.layer + " " + std::string(part.part), part.part, part.begin, part.end, arguments);
  }
  return trace_text(events);
}

}  // namespace satsuma::tools
