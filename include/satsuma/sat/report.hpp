#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/sat/config.hpp"
#include "satsuma/sat/schedule.hpp"
#include "satsuma/sat/scheduler.hpp"
#include "satsuma/sat/timing.hpp"
#include "satsuma/sat/workload.hpp"

namespace satsuma::sat {

/// A workload on a configuration: how it was scheduled and what it takes.
struct Run {
  std::string method;  ///< `bdwp`; empty where the layers' own patterns hold
  Pattern pattern;     ///< of the method's N:M operands
  Pattern wu;          ///< of dY in WU
  Config config;
  Workload workload;
  Schedule schedule;
  StepTiming timing;
};

/// The same step without one of the paper's techniques.
struct Ablation {
  std::string without;            ///< `interleave mapping`, `pre-generation`, `offline scheduling`
  std::int64_t cycles = 0;        ///< of the method
  std::int64_t dense_cycles = 0;  ///< of a dense step, without it too
};

/// A value of a configuration key, or of `nm`, `batch` or `method`, that takes several values.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;  ///< as typed

  /// From `KEY=VALUE,VALUE...`. Throws UsageError on an unknown key or a value that it cannot have.
  static SweepAxis parse(std::string_view text);
};

struct SweepPoint {
  std::vector<std::string> values;  ///< one of each axis
  std::string refused;              ///< why it cannot run (too little memory, say); empty when it ran
  Counts total = {};
  double seconds = 0;  ///< of a step
  double images_per_second = 0;
  double joules_per_image = 0;
  double peak_gops = 0;
  bool pareto = false;  ///< no other point is as fast with less energy, or faster with as much
};

struct Sweep {
  std::vector<SweepAxis> axes;
  std::vector<SweepPoint> points;  ///< the last axis moves fastest
  bool stopped = false;            ///< points are missing behind the last
};

/// What is asked of a simulation.
struct ReportRequest {
  Workload workload;   ///< dense, or with patterns of its own
  std::string method;  ///< a MethodText, or kWeightMethod; empty leaves the patterns as they are
  Pattern pattern{2, 8};
  Pattern wu = {};  ///< of a sampled dY in WU; 1:1 leaves it dense
  Config config = {};
  SchedulerOptions options = {};
  std::optional<Schedule> schedule = {};  ///< instead of the scheduler's
  std::vector<std::string> compare = {};  ///< methods whose speed is compared
  bool ablations = false;
  std::vector<SweepAxis> sweep = {};
};

/// The method of a workload without a backward pass: N:M weights in FF.
inline constexpr std::string_view kWeightMethod = "weight";

struct Report {
  Run run;
  SchedulerOptions options;
  std::vector<Run> compared;  ///< in the order asked for
  std::vector<Ablation> ablations;
  Sweep sweep;

  /// Cycles of a method over those of `run`.
  double speedup_over(const Run& other) const;
};

/// Told after some points of a sweep how many of how many are done; false ends the sweep there.
using SweepProgress = std::function<bool(std::int64_t done, std::int64_t all)>;

/// One simulated step, its comparisons, ablations and sweep. Sweep points run side by side. Throws UsageError
/// on an unknown method, or where the step itself cannot be scheduled.
Report make_report(const ReportRequest& request, const SweepProgress& progress = {});

}  // namespace satsuma::sat
