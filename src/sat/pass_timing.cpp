#include "src/sat/pass_timing.hpp"

#include <algorithm>

#include "src/sat/checked.hpp"
#include "src/sat/pass_cost.hpp"
#include "src/sat/tiles.hpp"
#include "src/sat/transfer.hpp"

namespace satsuma::sat {

namespace {

constexpr std::int64_t kHalf = 2;
constexpr std::int64_t kOptimizerBytes = 8;  // FP32 master weight and velocity, each way

/// What WUVE and SORE do for a block of in x out channels behind the array.
struct Update {
  std::int64_t weights = 0;
  std::int64_t wuve = 0;    ///< cycles
  std::int64_t sore = 0;    ///< cycles
  std::int64_t sorted = 0;  ///< values
  Bytes read;
  Bytes written;

  std::int64_t bytes() const { return plus(read.total(), written.total()); }
};

void make_packed(const Config& config, Pattern pattern, std::int64_t vectors, std::int64_t length,
                 Update& update) {
  update.sore = plus(update.sore, sore_cycles(config, vectors, length, pattern));
  update.sorted = plus(update.sorted, times(vectors, length));
  const std::int64_t values = times(vectors, kept_along(pattern, length));
  update.written.weights = plus(update.written.weights, times(values, kHalf));
  update.written.indices = plus(update.written.indices, index_bytes(pattern, values));
}

Update update_of(const Config& config, const Layer& layer, std::int64_t in, std::int64_t out,
                 Pregeneration made) {
  const std::int64_t taps = layer.plan.geometry.kernel[0] * layer.plan.geometry.kernel[1];
  const Pattern ff = layer.packed_weight(Pass::ff), bp = layer.packed_weight(Pass::bp);
  Update update;
  update.weights = times(times(in, out), taps);
  update.wuve = wuve_cycles(config, update.weights);
  update.read.optimizer = times(update.weights, kOptimizerBytes);
  update.written.optimizer = update.read.optimizer;
  const bool packed_ff = made.ff && !ff.dense();
  const bool packed_bp = made.bp && !bp.dense();
  if (packed_ff) make_packed(config, ff, times(out, taps), in, update);
  if (packed_bp) make_packed(config, bp, times(in, taps), out, update);
  // A pass that multiplies with dense weights, or prunes them itself, reads them in FP16.
  if (!packed_ff || (layer.runs(Pass::bp) && !packed_bp)) {
    update.written.weights = plus(update.written.weights, times(update.weights, kHalf));
  }
  return update;
}

void add_update(const Config& config, const Layer& layer, const Product& product,
                const PassSchedule& schedule, Pregeneration made, const PassCost& cost, PassTiming& timing,
                std::int64_t& sorted) {
  const std::int64_t groups = layer.plan.geometry.groups;
  const Update all = update_of(config, layer, product.in_channels, times(product.out_channels, groups), made);
  const std::int64_t dram = dram_cycles(config, plus(cost.bus, all.bytes()));
  const std::int64_t base = cost.cycles();
  if (finishes_tiles_in_turn(product, schedule)) {
    // Each finished tile of dW is updated while the array makes the next; the last one has nothing to hide
    // it.
    const auto spans = spans_of(product, schedule.tile);
    const auto last = [&](Loop loop) {
      const Spans& of = spans[static_cast<std::size_t>(loop)];
      return (of.end() - 1)->size;
    };
    const Update tail = update_of(config, layer, last(Loop::in_channels), last(Loop::out_channels), made);
    timing.stalls.memory += std::max<std::int64_t>(0, dram - base);
    const std::int64_t sorter = std::max<std::int64_t>(0, all.sore - std::max(base, dram));
    timing.stalls.sorter += sorter;
    timing.stalls.update += std::max<std::int64_t>(0, all.wuve - std::max({base, dram, all.sore}));
    timing.stalls.update += std::max({tail.wuve, tail.sore, dram_cycles(config, tail.bytes())});
  } else {
    timing.stalls.update += std::max({all.wuve, all.sore, dram_cycles(config, all.bytes())});
  }
  timing.busy.sore = plus(timing.busy.sore, all.sore);
  timing.busy.wuve = all.wuve;
  timing.busy.dram = dram;
  timing.read += all.read;
  timing.written += all.written;
  timing.energy.wuve = static_cast<double>(all.weights) * config.energy_wuve_pj_per_weight * 1e-12;
  sorted = plus(sorted, all.sorted);
}

}  // namespace

bool prunes_on_the_fly(const Layer& layer, Pass pass, Pregeneration made) {
  if (pass == Pass::wu) return layer.plan[pass].gradient.skips();
  const bool made_before = pass == Pass::ff ? made.ff : made.bp;
  return layer.plan[pass].gradient.skips() || (layer.plan[pass].weight.skips() && !made_before);
}

PassTiming timing_of(const Config& config, const Layer& layer, const PassProducts& products, Pass pass,
                     const PassSchedule& schedule, Pregeneration made) {
  PassTiming timing;
  timing.pass = pass;
  timing.run = true;
  timing.pattern = layer.pattern(pass);
  timing.on_the_fly = prunes_on_the_fly(layer, pass, made);
  timing.schedule = schedule;

  const PassCost cost = pass_cost(config, products, schedule, timing.on_the_fly);
  timing.compute_cycles = cost.array.compute;
  timing.stalls.fill = cost.array.fill;
  timing.stalls.accumulator = cost.array.accumulator;
  timing.stalls.control = cost.control;
  timing.stalls.memory = cost.memory;
  timing.stalls.sorter = cost.sorter;
  timing.busy.stce = cost.array.total();
  timing.busy.sore = cost.sore;
  timing.busy.dram = dram_cycles(config, cost.bus);
  timing.read = cost.read;
  timing.written = cost.written;
  std::int64_t sorted = cost.sorted;
  if (pass == Pass::wu) {
    add_update(config, layer, products.products.front(), schedule, made, cost, timing, sorted);
  }
  timing.cycles = plus(timing.compute_cycles, timing.stalls.total());
  timing.macs = layer.macs(pass);
  timing.dense_macs = layer.dense_macs(pass);

  constexpr double kPico = 1e-12;
  timing.energy.mac = cost.slots * config.energy_mac_pj * kPico;
  timing.energy.buffer = cost.buffer_bytes * config.energy_buffer_pj_per_byte * kPico;
  timing.energy.dram = static_cast<double>(plus(timing.read.total(), timing.written.total())) *
                       config.energy_dram_pj_per_byte * kPico;
  timing.energy.sore = static_cast<double>(sorted) * config.energy_sore_pj_per_value * kPico;
  timing.energy.idle = config.seconds(timing.cycles) * config.energy_static_watts;
  return timing;
}

PassTiming time_pass(const Config& config, const Layer& layer, Pass pass, const LayerSchedule& entry) {
  if (!layer.runs(pass)) {
    PassTiming none;
    none.pass = pass;
    return none;
  }
  check(layer);
  check(config, layer, pass, entry[pass]);
  return timing_of(config, layer, products_of(layer, pass), pass, entry[pass],
                   {entry.pregenerate_ff, entry.pregenerate_bp});
}

StepTiming simulate(const Config& config, const Workload& workload, const Schedule& schedule) {
  check(workload);
  check(config, workload, schedule);
  StepTiming step;
  step.batch = workload.batch();
  for (std::size_t i = 0; i < workload.layers.size(); ++i) {
    const Layer& layer = workload.layers[i];
    LayerTiming timing;
    timing.name = layer.plan.name;
    for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
      timing[pass] = time_pass(config, layer, pass, schedule.layers[i]);
    }
    step.layers.push_back(std::move(timing));
  }
  return step;
}

}  // namespace satsuma::sat
