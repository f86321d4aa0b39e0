#pragma once

#include <optional>

#include "satsuma/sat/schedule.hpp"
#include "satsuma/sat/timing.hpp"

namespace satsuma::sat {

enum class Objective : std::uint8_t { cycles, energy };

/// What the offline scheduler may use. Each switch turns one of the paper's techniques off.
struct SchedulerOptions {
  Objective objective = Objective::cycles;
  bool interleave = true;     ///< false: one output in an accumulator at a time
  bool pregeneration = true;  ///< false: FF and BP prune dense weights on the fly
  bool search = true;         ///< false: one dataflow (WS), one loop order, the first tile that fits
  std::optional<Dataflow> dataflow = {};  ///< of all passes; none: the better one for each
};

/// The schedule of a whole step with the fewest cycles (or the least energy). Equal layers are searched once.
/// Throws UsageError when even the smallest tile of a layer does not fit the buffers, or no schedule keeps to
/// `options.dataflow`.
Schedule make_schedule(const Config& config, const Workload& workload, const SchedulerOptions& options = {});

/// The same for one pass. `on_the_fly`: the weight of FF or BP comes dense and SORE prunes it on its way.
PassSchedule schedule_pass(const Config& config, const Layer& layer, Pass pass, bool on_the_fly = false,
                           const SchedulerOptions& options = {});

}  // namespace satsuma::sat
