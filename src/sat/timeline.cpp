#include "satsuma/sat/timeline.hpp"

namespace satsuma::sat {

namespace {

bool behind_the_array(Engine engine, Pass pass) {
  return pass == Pass::wu && (engine == Engine::sore || engine == Engine::wuve);
}

}  // namespace

std::string_view to_string(Engine engine) {
  constexpr std::array<std::string_view, 4> kNames = {"STCE", "SORE", "WUVE", "DRAM"};
  return kNames[static_cast<std::size_t>(engine)];
}

std::int64_t busy_of(Engine engine, const Busy& busy) {
  const std::array cycles = {busy.stce, busy.sore, busy.wuve, busy.dram};
  return cycles[static_cast<std::size_t>(engine)];
}

std::vector<Interval> pass_order(const StepTiming& step) {
  std::vector<Interval> passes;
  std::int64_t now = 0;
  const auto add = [&](std::size_t layer, Pass pass) {
    const PassTiming& timing = step.layers[layer][pass];
    if (!timing.run) return;
    passes.push_back({Engine::stce, layer, pass, now, now + timing.cycles});
    now += timing.cycles;
  };
  for (std::size_t layer = 0; layer < step.layers.size(); ++layer) add(layer, Pass::ff);
  for (std::size_t layer = step.layers.size(); layer-- > 0;) {
    add(layer, Pass::bp);
    add(layer, Pass::wu);
  }
  return passes;
}

std::vector<Interval> timeline(const StepTiming& step) {
  std::vector<Interval> intervals;
  for (const Interval& pass : pass_order(step)) {
    const Busy& busy = step.layers[pass.layer][pass.pass].busy;
    for (const Engine engine : kEngines) {
      const std::int64_t cycles = busy_of(engine, busy);
      if (cycles == 0) continue;
      const std::int64_t begin = behind_the_array(engine, pass.pass) ? pass.end - cycles : pass.begin;
      intervals.push_back({engine, pass.layer, pass.pass, begin, begin + cycles});
    }
  }
  return intervals;
}

}  // namespace satsuma::sat
