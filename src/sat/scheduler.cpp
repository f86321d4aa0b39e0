#include "satsuma/sat/scheduler.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/sat/candidates.hpp"
#include "src/sat/checked.hpp"
#include "src/sat/pass_cost.hpp"
#include "src/sat/pass_timing.hpp"
#include "src/sat/tiles.hpp"

namespace satsuma::sat {

namespace {

constexpr std::array<std::array<Loop, 3>, 6> kOrders = {{
    {Loop::pixels, Loop::out_channels, Loop::in_channels},
    {Loop::pixels, Loop::in_channels, Loop::out_channels},
    {Loop::out_channels, Loop::pixels, Loop::in_channels},
    {Loop::out_channels, Loop::in_channels, Loop::pixels},
    {Loop::in_channels, Loop::pixels, Loop::out_channels},
    {Loop::in_channels, Loop::out_channels, Loop::pixels},
}};

constexpr int kMostRefinements = 16;

/// Searches the schedules of one pass.
class Search {
 public:
  Search(const Config& config, const Layer& layer, Pass pass, Pregeneration made,
         const SchedulerOptions& options)
      : config_(config),
        layer_(layer),
        pass_(pass),
        made_(made),
        options_(options),
        products_(products_of(layer, pass)) {}

  PassTiming run() {
    if (products_.products.empty()) return price(PassSchedule{});
    PassSchedule schedule;
    schedule.tile = first_fitting_tile(config_, products_);
    schedule.interleave = needs_turns() && options_.interleave ? config_.accumulator_interleave : 1;
    if (options_.dataflow) schedule.dataflow = *options_.dataflow;
    const bool runs = schedule.dataflow == Dataflow::weight_stationary || runs_output_stationary(schedule);
    if (!options_.search) {
      if (!runs) refuse_dataflow();
      consider(schedule);
      return best_;
    }
    if (runs) tried([&] { consider(schedule); });
    search();
    if (!found() && options_.dataflow == Dataflow::output_stationary) refuse_dataflow();
    refine();
    if (!found()) refuse_overflow();
    return best_;
  }

 private:
  /// Dense WS never waits for a sum: each goes on to the next row.
  bool needs_turns() const { return !layer_.pattern(pass_).dense() && layer_.pattern(pass_).n > 1; }

  bool found() const { return best_value_ != std::numeric_limits<double>::infinity(); }

  [[noreturn]] void refuse_dataflow() const {
    throw UsageError(
        fmt::format("{} cannot run output-stationary: no tile that fits buffer.kib = {} keeps its sums in "
                    "the array; take "
                    "more memory, or let the scheduler choose the dataflow",
                    to_string(pass_), config_.buffer_kib));
  }

  bool allows(Dataflow dataflow) const { return !options_.dataflow || options_.dataflow == dataflow; }

  void search() {
    for (const Tile& tile : candidate_tiles(config_, products_)) {
      const std::vector<std::array<Loop, 3>> orders = distinct_orders(tile);
      const std::int64_t most = options_.interleave ? config_.accumulator_interleave : 1;
      for (std::int64_t interleave = 1; interleave <= most; ++interleave) {
        if (allows(Dataflow::weight_stationary) && (interleave == 1 || needs_turns()))
          try_orders(Dataflow::weight_stationary, tile, interleave, orders);
        if (allows(Dataflow::output_stationary))
          try_orders(Dataflow::output_stationary, tile, interleave, orders);
      }
    }
  }

  /// From the best even split to uneven ones beside it, as long as that helps.
  void refine() {
    double before = 0;
    for (int step = 0; step < kMostRefinements && before != best_value_; ++step) {
      before = best_value_;
      const PassSchedule from = best_.schedule;
      for (const Tile& tile : neighbours(config_, products_, from.tile)) {
        try_orders(from.dataflow, tile, from.interleave, distinct_orders(tile));
      }
    }
  }

  /// A schedule whose count overflows is no candidate; others may not.
  template <typename Try>
  void tried(Try&& attempt) {
    try {
      attempt();
    } catch (const UsageError&) {
    }
  }

  /// Orders that differ in loops of more than one tile.
  std::vector<std::array<Loop, 3>> distinct_orders(const Tile& tile) const {
    std::array<bool, 3> many = {};
    for (const Product& product : products_.products) {
      const auto spans = spans_of(product, tile);
      for (std::size_t i = 0; i < 3; ++i) many[i] = many[i] || spans[i].positions > 1;
    }
    std::vector<std::array<Loop, 3>> orders;
    std::vector<std::vector<Loop>> seen;
    for (const auto& order : kOrders) {
      std::vector<Loop> loops;
      for (const Loop loop : order) {
        if (many[static_cast<std::size_t>(loop)]) loops.push_back(loop);
      }
      if (std::find(seen.begin(), seen.end(), loops) != seen.end()) continue;
      seen.push_back(std::move(loops));
      orders.push_back(order);
    }
    return orders;
  }

  void try_orders(Dataflow dataflow, const Tile& tile, std::int64_t interleave,
                  const std::vector<std::array<Loop, 3>>& orders) {
    PassSchedule schedule{dataflow, orders.front(), tile, interleave, {}};
    tried([&] {
      const bool bounded = options_.objective == Objective::cycles;
      if (bounded && static_cast<double>(least_cycles(schedule)) >= best_value_) return;
      for (const auto& order : orders) {
        schedule.order = order;
        if (dataflow == Dataflow::output_stationary && !runs_output_stationary(schedule)) continue;
        consider(schedule);
      }
    });
  }

  bool runs_output_stationary(const PassSchedule& schedule) const {
    return std::all_of(products_.products.begin(), products_.products.end(), [&](const Product& product) {
      return keeps_sums_in_array(config_, product, schedule);
    });
  }

  /// What the array alone takes, whatever the order.
  std::int64_t least_cycles(const PassSchedule& schedule) const {
    std::int64_t cycles = 0;
    for (const Product& product : products_.products)
      cycles = plus(cycles, array_bound(config_, product, schedule));
    return cycles;
  }

  PassTiming price(const PassSchedule& schedule) const {
    return timing_of(config_, layer_, products_, pass_, schedule, made_);
  }

  void consider(PassSchedule schedule) {
    const PassTiming timing = price(schedule);
    const double value =
        options_.objective == Objective::cycles ? static_cast<double>(timing.cycles) : timing.energy.total();
    if (value >= best_value_) return;
    best_value_ = value;
    best_ = timing;
    best_.schedule.buffers = buffers_for(config_, products_, schedule.tile);
  }

  const Config& config_;
  const Layer& layer_;
  Pass pass_;
  Pregeneration made_;
  SchedulerOptions options_;
  PassProducts products_;
  PassTiming best_;
  double best_value_ = std::numeric_limits<double>::infinity();
};

/// The passes of a layer and where SORE prunes its weights.
class LayerSearch {
 public:
  LayerSearch(const Config& config, const Layer& layer, const SchedulerOptions& options)
      : config_(config), layer_(layer), options_(options) {}

  LayerSchedule run() {
    LayerSchedule entry;
    entry.pregenerate_ff = entry.pregenerate_bp = options_.pregeneration;
    for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
      if (!layer_.runs(pass)) continue;
      timings_[static_cast<std::size_t>(pass)] = search(pass, made(entry));
      entry[pass] = timing(pass).schedule;
    }
    if (options_.pregeneration && options_.search && layer_.runs(Pass::wu)) {
      decide(Pass::ff, layer_.plan[Pass::ff].weight.skips(), entry.pregenerate_ff, entry);
      decide(Pass::bp, layer_.plan[Pass::bp].weight.skips(), entry.pregenerate_bp, entry);
    }
    return entry;
  }

 private:
  static Pregeneration made(const LayerSchedule& entry) {
    return {entry.pregenerate_ff, entry.pregenerate_bp};
  }

  const PassTiming& timing(Pass pass) const { return timings_[static_cast<std::size_t>(pass)]; }

  PassTiming search(Pass pass, Pregeneration made) const {
    return Search(config_, layer_, pass, made, options_).run();
  }

  double value(const PassTiming& timing) const {
    return options_.objective == Objective::cycles ? static_cast<double>(timing.cycles)
                                                   : timing.energy.total();
  }

  /// Prunes on the fly where that saves more in WU than it costs in `pass`.
  void decide(Pass pass, bool prunes, bool& pregenerate, LayerSchedule& entry) {
    if (!prunes) return;
    pregenerate = false;
    const PassTiming without =
        timing_of(config_, layer_, products_of(layer_, Pass::wu), Pass::wu, entry[Pass::wu], made(entry));
    const double saved = value(timing(Pass::wu)) - value(without);
    if (saved > 0) {
      const PassTiming on_the_fly = search(pass, made(entry));
      if (value(on_the_fly) - value(timing(pass)) < saved) {
        timings_[static_cast<std::size_t>(pass)] = on_the_fly;
        timings_[static_cast<std::size_t>(Pass::wu)] = without;
        entry[pass] = on_the_fly.schedule;
        return;
      }
    }
    pregenerate = true;
  }

  const Config& config_;
  const Layer& layer_;
  const SchedulerOptions& options_;
  std::array<PassTiming, 3> timings_ = {};
};

}  // namespace

Schedule make_schedule(const Config& config, const Workload& workload, const SchedulerOptions& options) {
  check(workload);
  Schedule schedule{workload.name, fingerprint(workload), fingerprint(config), {}};
  for (std::size_t i = 0; i < workload.layers.size(); ++i) {
    const Layer& layer = workload.layers[i];
    const auto twin =
        std::find_if(workload.layers.begin(), workload.layers.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](const Layer& other) { return work_of(layer) == work_of(other); });
    const std::size_t at = static_cast<std::size_t>(twin - workload.layers.begin());
    try {
      schedule.layers.push_back(at < i ? schedule.layers[at] : LayerSearch(config, layer, options).run());
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("layer '{}': {}", layer.plan.name, error.what()));
    }
    schedule.layers.back().layer = layer.plan.name;
  }
  return schedule;
}

PassSchedule schedule_pass(const Config& config, const Layer& layer, Pass pass, bool on_the_fly,
                           const SchedulerOptions& options) {
  check(layer);
  return Search(config, layer, pass, {!on_the_fly, !on_the_fly}, options).run().schedule;
}

}  // namespace satsuma::sat
