#include "src/devices/sat/pass_times.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "satsuma/core/error.hpp"
#include "satsuma/sat/scheduler.hpp"

namespace satsuma::sat::driver {

namespace {

std::array<std::int64_t, 11> numbers_of(const Geometry& g) {
  return {g.in_channels, g.out_channels, g.kernel[0],   g.kernel[1],   g.stride[0], g.stride[1],
          g.padding[0],  g.padding[1],   g.dilation[0], g.dilation[1], g.groups};
}

}  // namespace

const PassTiming& PassTimes::of(Pass pass, const Geometry& geometry, std::int64_t images, const Pair& in_size,
                                Pattern weight) {
  Known& known = known_[{numbers_of(geometry), images, in_size}];
  if (pass == Pass::ff) known.patterns.ff_weight = weight;
  if (pass == Pass::bp) {
    known.patterns.bp_weight = weight;
    known.has_bp = true;
  }
  const Pattern ff = known.patterns.ff_weight, bp = known.patterns.bp_weight;
  const auto [entry, first] = known.counts.try_emplace({pass, ff.n, ff.m, bp.n, bp.m, known.has_bp});
  if (first) entry->second = compute(pass, geometry, images, in_size, known);
  return entry->second;
}

PassTiming PassTimes::compute(Pass pass, const Geometry& geometry, std::int64_t images, const Pair& in_size,
                              const Known& known) const {
  Layer layer;
  layer.name = to_string(geometry);
  layer.geometry = geometry;
  layer.input = in_size;
  layer.batch = images;
  layer.patterns = known.patterns;
  layer.has_bp = known.has_bp;
  LayerSchedule schedule;
  schedule.layer = layer.name;
  try {
    schedule[pass] = schedule_pass(config_, layer, pass);
    return time_pass(config_, layer, pass, schedule);
  } catch (const Error& error) {
    fmt::print(stderr, "satsuma: device 'sat' counts no cycles for {} of {}: {}\n", to_string(pass),
               layer.name, error.what());
    PassTiming none;
    none.pass = pass;
    return none;
  }
}

}  // namespace satsuma::sat::driver
