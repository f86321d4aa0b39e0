#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

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
  /// One pass over a batch of x [images, C, height, width]. `weight` is the pattern of its weight operand. WU
  /// includes the update of the weights, and pre-generation for the FF and BP of the same shape that were
  /// asked for last. Without counts, and a line on standard error, where the model finds no
  /// schedule. Throws UsageError when a schedule was given that has no layer of this name.
  const PassTiming& of(Pass pass, const PassSpec& spec, std::int64_t images, const Pair& in_size,
                       Pattern weight);

 private:
  /// A layer as far as its passes tell: two with all of this in common are one.
  using Shape = std::tuple<std::string, std::array<std::int64_t, 11>, std::int64_t, Pair>;
  struct Known {
    PassPatterns patterns;
    bool has_bp = false;
    std::map<std::tuple<Pass, int, int, int, int, bool>, PassTiming> counts;
  };

  PassTiming compute(Pass pass, const PassSpec& spec, std::int64_t images, const Pair& in_size,
                     const Known& known) const;
  /// What the schedule says of a layer; null where none was given.
  const LayerSchedule* given_for(std::string_view layer) const;
  /// `given` where that is and fits, else the scheduler's own.
  LayerSchedule schedule_for(Pass pass, const Layer& layer, const LayerSchedule* given) const;

  Config config_;
  std::optional<Schedule> schedule_;
  std::map<Shape, Known> known_;
};

}  // namespace satsuma::sat::driver
