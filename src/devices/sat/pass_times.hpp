#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "satsuma/sat/timing.hpp"

namespace satsuma::sat::driver {

/// What the passes that the device runs take on the card: each under the schedule with the fewest cycles,
/// with packed weights pre-generated behind WU (docs/sat.md). All cycles and joules of the device come from
/// here.
class PassTimes {
 public:
  explicit PassTimes(const Config& config = {}) : config_(config) {}

  const Config& config() const { return config_; }
  /// One pass over a batch of x [images, C, height, width]. `weight` is the pattern of its weight operand. WU
  /// includes the update of the weights, and pre-generation for the FF and BP of the same shape that were
  /// asked for last. Without counts, and a line on standard error, where the model finds no
  /// schedule.
  const PassTiming& of(Pass pass, const Geometry& geometry, std::int64_t images, const Pair& in_size,
                       Pattern weight);

 private:
  /// A layer as far as its passes tell: two with all of this in common are one.
  using Shape = std::tuple<std::array<std::int64_t, 11>, std::int64_t, Pair>;
  struct Known {
    PassPatterns patterns;
    bool has_bp = false;
    std::map<std::tuple<Pass, int, int, int, int, bool>, PassTiming> counts;
  };

  PassTiming compute(Pass pass, const Geometry& geometry, std::int64_t images, const Pair& in_size,
                     const Known& known) const;

  Config config_;
  std::map<Shape, Known> known_;
};

}  // namespace satsuma::sat::driver
