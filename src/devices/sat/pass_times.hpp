#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "satsuma/device/device.hpp"
#include "satsuma/sat/timing.hpp"

namespace satsuma::sat::driver {

/// What the passes that the device runs take on the card (docs/sat.md): each under the schedule that was
/// given for its layer, or else under the one with the fewest cycles, with packed weights pre-generated
/// behind WU. All cycles and joules of the device come from here.
class PassTimes {
 public:
  /// Throws UsageError when the schedule was made for another configuration.
  explicit PassTimes(const Config& config = {}, std::optional<Schedule> schedule = {});

  const Config& config() const { return config_; }
  /// One pass of a layer over a batch of x [images, C, height, width]. WU includes the update of the weights,
  /// and pre-generation for the layer's FF and BP. Without counts, and a line on standard error, where the
  /// model finds no schedule. Throws UsageError when a schedule was given that has no layer of this name.
  const PassTiming& of(Pass pass, const LayerPlan& plan, std::int64_t images, const Pair& in_size);

 private:
  PassTiming compute(Pass pass, const Layer& layer) const;
  /// What the schedule says of a layer; null where none was given.
  const LayerSchedule* given_for(std::string_view layer) const;
  /// `given` where that is and fits, else the scheduler's own.
  LayerSchedule schedule_for(Pass pass, const Layer& layer, const LayerSchedule* given) const;

  Config config_;
  std::optional<Schedule> schedule_;
  /// By all that the passes of a layer depend on (text_of() of a layer): equal layers are one, unless a
  /// schedule tells them apart.
  std::map<std::pair<std::string, Pass>, PassTiming> known_;
};

}  // namespace satsuma::sat::driver
