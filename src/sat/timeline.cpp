#include "satsuma/sat/timeline.hpp"

#include <array>

namespace satsuma::sat {

namespace {

struct Work {
  Engine engine;
  std::int64_t Busy::*cycles;
};
constexpr std::array<Work, 4> kWork = {{{Engine::stce, &Busy::stce},
                                        {Engine::sore, &Busy::sore},
                                        {Engine::wuve, &Busy::wuve},
                                        {Engine::dram, &Busy::dram}}};

bool behind_the_array(Engine engine, Pass pass) {
  return pass == Pass::wu && (engine == Engine::sore || engine == Engine::wuve);
}

}  // namespace

std::string_view to_string(Engine engine) {
  constexpr std::array<std::string_view, 4> kNames = {"STCE", "SORE", "WUVE", "DRAM"};
  return kNames[static_cast<std::size_t>(engine)];
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
    for (const Work& work : kWork) {
      const std::int64_t cycles = busy.*work.cycles;
      if (cycles == 0) continue;
      const std::int64_t begin = behind_the_array(work.engine, pass.pass) ? pass.end - cycles : pass.begin;
      intervals.push_back({work.engine, pass.layer, pass.pass, begin, begin + cycles});
    }
  }
  return intervals;
}

}  // namespace satsuma::sat
