#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace satsuma::optim {

enum class ScheduleKind : std::uint8_t { constant, cosine, onecycle, step, multi_step, polynomial };

/// Throws UsageError with the known names and the nearest one.
ScheduleKind parse_schedule(std::string_view name);
std::string_view to_string(ScheduleKind kind);

/// Learning rate as a function of the step alone, so that a resumed run needs no state. Lengths are in steps
/// and need not be whole.
struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  double peak = 0.1;  ///< learning rate after warm-up
  std::int64_t total_steps = 1;
  double warmup = 0;                    ///< spent rising linearly from 0 to `peak`
  double floor = 0;                     ///< the rate never falls below it, from 0 to `peak`
  std::int64_t cycles = 1;              ///< cosine: how often it falls, from `peak` each time
  double step_size = 1;                 ///< step: between two falls
  std::vector<double> milestones = {};  ///< multi-step: where it falls
  double gamma = 0.1;                   ///< step, multi-step: factor of a fall
  double power = 1;                     ///< polynomial
  std::int64_t stride = 1;              ///< steps through which the rate stays: 1, or those of an epoch

  /// Learning rate of step s = `step`, counted from 0, with w = warmup, T = total_steps, p = peak, f = floor.
  /// Warm-up (s < w): p * (s + 1) / (w + 1), so that the first step moves already and the line meets p at
  /// s = w. After it, with t = (s - w) / (T - w), the share that is done:
  ///   constant    p
  ///   cosine      f + (p - f) * (1 + cos(pi u)) / 2, u = t * cycles without its whole part, 1 at the end
  ///   onecycle    f + (p - f) * (1 - t)
  ///   polynomial  f + (p - f) * (1 - t)^power
  ///   step        max(f, p * gamma^floor(s / step_size))
  ///   multi-step  max(f, p * gamma^(milestones not beyond s))
  /// With a stride all of these are lengths in strides, and s is whole. Each is PyTorch's schedule of that
  /// name (onecycle: OneCycleLR, linear, of T + 1 steps) behind a LinearLR.
  double at(std::int64_t step) const;
};

}  // namespace satsuma::optim
