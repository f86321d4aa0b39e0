#include "satsuma/optim/schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "satsuma/core/nearest.hpp"

namespace satsuma::optim {

namespace {

constexpr std::array kKinds = {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::onecycle};

}  // namespace

ScheduleKind parse_schedule(std::string_view name) {
  return find_named("schedule", name, kKinds);
}

std::string_view to_string(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::constant:
      return "constant";
    case ScheduleKind::cosine:
      return "cosine";
    case ScheduleKind::onecycle:
      break;
  }
  return "onecycle";
}

double Schedule::at(std::int64_t step) const {
  const double rising = warmup * static_cast<double>(total_steps);
  const auto now = static_cast<double>(step);
  if (now < rising) return peak * (now + 1) / (rising + 1);
  const double falling = static_cast<double>(total_steps) - rising;
  const double done = falling > 0 ? std::clamp((now - rising) / falling, 0.0, 1.0) : 1.0;
  switch (kind) {
    case ScheduleKind::constant:
      return peak;
    case ScheduleKind::cosine:
      return peak * (1 + std::cos(std::numbers::pi * done)) / 2;
    case ScheduleKind::onecycle:
      break;
  }
  return peak * (1 - done);
}

}  // namespace satsuma::optim
