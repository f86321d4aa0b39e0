#include "src/devices/sat/pass_times.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/sat/scheduler.hpp"
#include "src/core/message.hpp"

namespace satsuma::sat::driver {

PassTimes::PassTimes(const Config& config, std::optional<Schedule> schedule)
    : config_(config), schedule_(std::move(schedule)) {
  if (schedule_ && schedule_->config_fingerprint != fingerprint(config_)) {
    throw UsageError(fmt::format(
        "the schedule of '{}' was made for another configuration of SAT; make one with satsuma simulate "
        "--save-schedule and the same --config",
        schedule_->workload));
  }
}

const PassTiming& PassTimes::of(Pass pass, const LayerPlan& plan, std::int64_t images, const Pair& in_size) {
  Layer layer{plan, in_size, images};
  if (plan.name.empty()) layer.plan.name = to_string(plan.geometry);
  const std::pair key{(schedule_ ? plan.name : "") + work_of(layer), pass};
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  return known_[key] = compute(pass, layer);
}

LayerSchedule PassTimes::schedule_for(Pass pass, const Layer& layer, const LayerSchedule* given) const {
  if (given != nullptr) {
    try {
      check(config_, layer, pass, (*given)[pass]);
      return *given;
    } catch (const UsageError& error) {
      // Batches of another size, the last one of an epoch or an evaluation's, are cut in another way.
      say("device 'sat' schedules {} of '{}' for {} images itself: {}", to_string(pass), layer.plan.name,
          layer.batch, error.what());
    }
  }
  LayerSchedule own;
  own.layer = layer.plan.name;
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

PassTiming PassTimes::compute(Pass pass, const Layer& layer) const {
  const LayerSchedule* const given = given_for(layer.plan.name);
  try {
    return time_pass(config_, layer, pass, schedule_for(pass, layer, given));
  } catch (const Error& error) {
    say("device 'sat' counts no cycles for {} of {}: {}", to_string(pass), layer.plan.name, error.what());
    PassTiming none;
    none.pass = pass;
    return none;
  }
}

}  // namespace satsuma::sat::driver
