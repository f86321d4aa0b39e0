#pragma once

#include <cstdint>
#include <string_view>

namespace satsuma::optim {

enum class ScheduleKind : std::uint8_t { constant, cosine, onecycle };

/// Throws UsageError with the known names and the nearest one.
ScheduleKind parse_schedule(std::string_view name);
std::string_view to_string(ScheduleKind kind);

/// Learning rate as a function of the step alone, so that a resumed run needs no state.
struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  double peak = 0.1;  ///< learning rate after warm-up
  std::int64_t total_steps = 1;
  double warmup = 0;  ///< share of total_steps, 0 to 1, spent rising linearly from 0 to `peak`

  /// Learning rate of step s = `step`, counted from 0, with w = warmup * total_steps.
  /// Warm-up (s < w): peak * (s + 1) / (w + 1), so that the first step moves already and the line meets
  /// `peak` at s = w. After it, t = (s - w) / (total_steps - w) being the share that is done: constant: peak;
  /// cosine: peak * (1 + cos(pi t)) / 2; onecycle: peak * (1 - t).
  double at(std::int64_t step) const;
};

}  // namespace satsuma::optim
