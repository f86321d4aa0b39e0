#include "satsuma/core/profile.hpp"

#include <array>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

thread_local Profile* active = nullptr;

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, 5> kNames = {"forward", "backward", "update", "data", "other"};
  return kNames[static_cast<std::size_t>(phase)];
}

Profile::Profile(Keep keep) : keep_(keep) {
  if (active) throw Error("a Profile already measures this thread");
  active = this;
  restart();
}

Profile::~Profile() {
  active = nullptr;
}

void Profile::restart() {
  nanoseconds_.clear();
  laps_.clear();
  parts_.clear();
  last_ = Clock::now();
}

void Profile::book(const Key& key) {
  const auto now = Clock::now();
  nanoseconds_[key] += std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
  if (keep_ == Keep::timeline) laps_.push_back({{last_, now, memory_use().in_use}, key});
  last_ = now;
}

double Profile::seconds(Phase phase) const {
  std::int64_t sum = 0;
  for (const auto& [key, nanoseconds] : nanoseconds_) sum += key.phase == phase ? nanoseconds : 0;
  return 1e-9 * static_cast<double>(sum);
}

LayerClock::LayerClock(std::string_view layer, std::string_view part)
    : profile_(active && active->keep_ == Profile::Keep::timeline ? active : nullptr),
      layer_(layer),
      part_(part) {
  if (profile_) begin_ = Profile::Clock::now();
}

LayerClock::~LayerClock() {
  if (!profile_) return;
  profile_->parts_.push_back(
      {{begin_, Profile::Clock::now(), memory_use().in_use}, std::string(layer_), part_});
}

void lap(Phase phase, std::string_view operation) {
  if (active) active->book({phase, operation});
}

}  // namespace satsuma
