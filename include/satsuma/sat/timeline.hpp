#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "satsuma/sat/timing.hpp"

namespace satsuma::sat {

enum class Engine : std::uint8_t { stce, sore, wuve, dram };
inline constexpr std::array kEngines = {Engine::stce, Engine::sore, Engine::wuve, Engine::dram};
/// `STCE`, `SORE`, `WUVE`, `DRAM`.
std::string_view to_string(Engine engine);
/// Cycles in which it works.
std::int64_t busy_of(Engine engine, const Busy& busy);

/// An engine at work for a pass of a layer, in cycles from the begin of the step.
struct Interval {
  Engine engine = Engine::stce;
  std::size_t layer = 0;  ///< of StepTiming::layers
  Pass pass = Pass::ff;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// A step laid out in time: FF layer by layer, then BP and WU of each layer from the last to the first. How
/// long an engine works in a pass is Counts::busy; the model does not know when in the pass that is. Here
/// engines start with the pass, but for SORE and WUVE in WU, which follow the array and end with it.
std::vector<Interval> timeline(const StepTiming& step);

/// When the passes begin and end, in the order in which they run; all of them on Engine::stce.
std::vector<Interval> pass_order(const StepTiming& step);

}  // namespace satsuma::sat
