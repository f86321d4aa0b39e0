#include "src/devices/sat/pass_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/sat/scheduler.hpp"
#include "src/core/message.hpp"

namespace satsuma::sat::driver {

namespace {

std::array<std::int64_t, 11> numbers_of(const Geometry& g) {
  return {g.in_channels, g.out_channels, g.kernel[0],   g.kernel[1],   g.stride[0], g.stride[1],
          g.padding[0],  g.padding[1],   g.dilation[0], g.dilation[1], g.groups};
}

}  // namespace

PassTimes::PassTimes(const Config& config, std::optional<Schedule> schedule)
    : config_(config), schedule_(std::move(schedule)) {
  if (schedule_ && schedule_->config_fingerprint != fingerprint(config_)) {
    throw UsageError(fmt::format(
        "the schedule of '{}' was made for another configuration of SAT; make one with satsuma simulate "
        "--save-schedule and the same --config",
        schedule_->workload));
  }
}

const PassTiming& PassTimes::of(Pass pass, const PassSpec& spec, std::int64_t images, const Pair& in_size,
                                Pattern weight) {
  // Equal layers are one, unless a schedule tells them apart.
  Known& known =
      known_[{schedule_ ? std::string(spec.layer) : "", numbers_of(spec.geometry), images, in_size}];
  if (pass == Pass::ff) known.patterns.ff_weight = weight;
  if (pass == Pass::bp) {
    known.patterns.bp_weight = weight;
    known.has_bp = true;
  }
  const Pattern ff = known.patterns.ff_weight, bp = known.patterns.bp_weight;
  const std::tuple key{pass, ff.n, ff.m, bp.n, bp.m, known.has_bp};
  const auto found = known.counts.find(key);
  if (found != known.counts.end()) return found->second;
  return known.counts[key] = compute(pass, spec, images, in_size, known);
}

LayerSchedule PassTimes::schedule_for(Pass pass, const Layer& layer, const LayerSchedule* given) const {
  if (given != nullptr) {
    try {
      check(config_, layer, pass, (*given)[pass]);
      return *given;
    } catch (const UsageError& error) {
      // Batches of another size, the last one of an epoch or an evaluation's, are cut in another way.
      say("device 'sat' schedules {} of '{}' for {} images itself: {}", to_string(pass), layer.name,
          layer.batch, error.what());
    }
  }
  LayerSchedule own;
  own.layer = layer.name;
  own[pass] = schedule_pass(config_, layer, pass);
  return own;
}

const LayerSchedule* PassTimes::given_for(std::string_view layer) const {
  if (!schedule_) return nullptr;
  const auto entry = std::find_if(schedule_->layers.begin(), schedule_->layers.end(),
                                  [&](const LayerSchedule& given) { return given.layer == layer; });
  if (entry != schedule_->layers.end()) return &*entry;
  throw UsageError(fmt::format("the schedule of '{}' has no layer '{}'; it was made for another model",
                               schedule_->workload, layer));
}

PassTiming PassTimes::compute(Pass pass, const PassSpec& spec, std::int64_t images, const Pair& in_size,
                              const Known& known) const {
  const LayerSchedule* const given = given_for(spec.layer);
  Layer layer;
  layer.name = spec.layer.empty() ? to_string(spec.geometry) : std::string(spec.layer);
  layer.geometry = spec.geometry;
  layer.input = in_size;
  layer.batch = images;
  layer.patterns = known.patterns;
  layer.has_bp = known.has_bp;
  try {
    return time_pass(config_, layer, pass, schedule_for(pass, layer, given));
  } catch (const Error& error) {
    say("device 'sat' counts no cycles for {} of {}: {}", to_string(pass), layer.name, error.what());
    PassTiming none;
    none.pass = pass;
    return none;
  }
}

}  // namespace satsuma::sat::driver
