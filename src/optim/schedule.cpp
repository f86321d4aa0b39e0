#include "satsuma/optim/schedule.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "satsuma/core/nearest.hpp"

namespace satsuma::optim {

namespace {

using Named = std::pair<std::string_view, ScheduleKind>;
constexpr std::array kKinds = {
    Named{"constant", ScheduleKind::constant},     Named{"cosine", ScheduleKind::cosine},
    Named{"onecycle", ScheduleKind::onecycle},     Named{"step", ScheduleKind::step},
    Named{"multi-step", ScheduleKind::multi_step}, Named{"polynomial", ScheduleKind::polynomial}};

/// 1 at the beginning of each cycle, 0 at the end of the last.
double cosine(double done, std::int64_t cycles) {
  const double position = done * static_cast<double>(cycles);
  const double within = done < 1 ? position - std::floor(position) : 1.0;
  return (1 + std::cos(std::numbers::pi * within)) / 2;
}

}  // namespace

ScheduleKind parse_schedule(std::string_view name) {
  return find_named("schedule", name, kKinds, &Named::first).second;
}

std::string_view to_string(ScheduleKind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(), [&](const Named& named) { return named.second == kind; })
      ->first;
}

double Schedule::at(std::int64_t step) const {
  const auto unit = static_cast<double>(stride);
  const double rising = warmup / unit;
  const auto now = static_cast<double>(step / stride);
  if (now < rising) return peak * (now + 1) / (rising + 1);
  const double falling = static_cast<double>(total_steps) / unit - rising;
  const double done = falling > 0 ? std::clamp((now - rising) / falling, 0.0, 1.0) : 1.0;
  const auto between = [&](double share) { return floor + (peak - floor) * share; };
  const auto fallen = [&](double times) { return std::max(floor, peak * std::pow(gamma, times)); };
  switch (kind) {
    case ScheduleKind::constant:
      return peak;
    case ScheduleKind::cosine:
      return between(cosine(done, cycles));
    case ScheduleKind::onecycle:
      return between(1 - done);
    case ScheduleKind::polynomial:
      return between(std::pow(1 - done, power));
    case ScheduleKind::step:
      return fallen(std::floor(now * unit / step_size));
    case ScheduleKind::multi_step:
      break;
  }
  return fallen(static_cast<double>(std::count_if(
      milestones.begin(), milestones.end(), [&](double milestone) { return milestone <= now * unit; })));
}

}  // namespace satsuma::optim
