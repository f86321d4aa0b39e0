#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/device/pass.hpp"

namespace satsuma {

/// Why passes of a layer, or of many alike, run on another device than the one that was asked for.
struct Fallback {
  struct Refusal {
    std::string device;
    std::string reason;
    bool operator==(const Refusal&) const = default;
  };

  std::vector<Refusal> refusals;    ///< in the order in which devices were asked
  std::string runner;               ///< who runs the passes; empty where nobody does
  std::array<bool, 3> passes = {};  ///< indexed by Pass
  std::int64_t layers = 1;
  bool said = false;

  bool same_reason(const Fallback& other) const {
    return refusals == other.refusals && runner == other.runner;
  }
  /// `device 'sat' does not run FF, WU: takes tensors of f32, not f64; it runs on 'cpu'`.
  std::string text() const;
  /// Tells the user, the first time; `layer` is named where it is the only one.
  void say(std::string_view layer);
};

}  // namespace satsuma
