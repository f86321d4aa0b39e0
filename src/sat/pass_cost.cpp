#include "src/sat/pass_cost.hpp"

#include <algorithm>
#include <cmath>

#include "satsuma/core/integer.hpp"
#include "src/sat/checked.hpp"
#include "src/sat/tiles.hpp"
#include "src/sat/transfer.hpp"

namespace satsuma::sat {

namespace {

constexpr int kNever = -1;

/// Place of a loop in the order, 0 the outermost.
int place_of(const std::array<Loop, 3>& order, Loop loop) {
  return static_cast<int>(std::find(order.begin(), order.end(), loop) - order.begin());
}

/// Which operands change with which loops.
class Loops {
 public:
  Loops(const Product& product, const PassSchedule& schedule)
      : spans_(spans_of(product, schedule.tile)), order_(schedule.order) {}

  const Spans& at(int place) const {
    return spans_[static_cast<std::size_t>(order_[static_cast<std::size_t>(place)])];
  }
  const Spans& of(Loop loop) const { return spans_[static_cast<std::size_t>(loop)]; }

  /// Place of the innermost loop with more than one position that is not `without`: an operand which does
  /// not depend on `without` changes when all loops inside that place begin anew.
  int changes_with(Loop without) const {
    for (int place = 2; place >= 0; --place) {
      const Loop loop = order_[static_cast<std::size_t>(place)];
      if (loop != without && of(loop).positions > 1) return place;
    }
    return kNever;
  }

 private:
  std::array<Spans, 3> spans_;
  std::array<Loop, 3> order_;
};

/// One tile of one product: what it loads, computes and stores.
struct Step {
  Tile tile;
  std::int64_t count = 1;
  bool load_activations = false;
  bool load_weights = false;
  bool begin_output = false;
  bool resume_output = false;  ///< partial sums come back
  bool finish_output = false;  ///< the reduction ends with this visit
  bool first = false;
  bool last = false;
  bool reduction_ends = true;
};

class ProductCost {
 public:
  ProductCost(const Config& config, const Product& product, const PassSchedule& schedule, bool on_the_fly)
      : config_(config),
        product_(product),
        schedule_(schedule),
        loops_(product, schedule),
        array_(array_of(config, schedule.interleave)),
        on_the_fly_(on_the_fly) {
    const Loop reduction = product.reduction();
    activations_at_ = loops_.changes_with(product.pass == Pass::bp ? Loop::in_channels : Loop::out_channels);
    weights_at_ = loops_.changes_with(product.pass == Pass::wu ? Loop::in_channels : Loop::pixels);
    output_at_ = loops_.changes_with(reduction);
    reduction_at_ = place_of(schedule.order, reduction);
    in_turn_ = output_at_ < reduction_at_ || loops_.of(reduction).positions == 1;
    const Tile whole{product.images, product.rows, product.in_channels, product.out_channels};
    kept_in_all_ = product.on_array(whole).kept;
  }

  /// `opens`, `closes`: nothing was computed before that could hide the first load, or is after that could
  /// hide the last store.
  PassCost cost(bool opens, bool closes) const {
    PassCost all;
    for (const Span& outer : loops_.at(0)) {
      for (const Span& middle : loops_.at(1)) {
        for (const Span& inner : loops_.at(2)) {
          add_step(step_of({&outer, &middle, &inner}), opens, closes, all);
        }
      }
    }
    return all;
  }

 private:
  Step step_of(const std::array<const Span*, 3>& spans) const {
    Step step;
    step.count = times(times(spans[0]->count, spans[1]->count), spans[2]->count);
    step.first = spans[0]->first && spans[1]->first && spans[2]->first;
    step.last = spans[0]->last && spans[1]->last && spans[2]->last;
    for (std::size_t place = 0; place < 3; ++place) {
      const Span& span = *spans[place];
      switch (schedule_.order[place]) {
        case Loop::pixels:
          step.tile.images = span.size;
          step.tile.rows = span.rows;
          break;
        case Loop::in_channels:
          step.tile.in_channels = span.size;
          break;
        case Loop::out_channels:
          step.tile.out_channels = span.size;
          break;
      }
    }
    const auto begins = [&](int place) {
      for (int inside = place + 1; inside < 3; ++inside) {
        if (!spans[static_cast<std::size_t>(inside)]->first) return false;
      }
      return true;
    };
    const Span& reduced = *spans[static_cast<std::size_t>(reduction_at_)];
    step.load_activations = begins(activations_at_);
    step.load_weights = begins(weights_at_);
    step.begin_output = begins(output_at_);
    step.resume_output = step.begin_output && !in_turn_ && !reduced.first;
    step.finish_output = step.begin_output && (in_turn_ || reduced.last);
    step.reduction_ends = reduced.last;
    return step;
  }

  ArrayCycles compute(const Step& step, const ArrayProduct& work, bool closes) const {
    const std::int64_t count = folds(array_, schedule_.dataflow, work);
    if (schedule_.dataflow == Dataflow::weight_stationary) {
      return weight_stationary_fold(array_, work.vectors, work.slots) * count;
    }
    // Where the reduction comes in pieces the array goes on with the same sums: it fills and drains once.
    ArrayCycles fold = output_stationary_fold(array_, work.kept);
    fold.fill = step.reduction_ends ? output_stationary_fold(array_, kept_in_all_).fill : 0;
    ArrayCycles cycles = fold * count;
    if (step.last && closes) cycles.fill -= last_drain(array_, kept_in_all_);
    return cycles;
  }

  /// Bytes between the on-chip memories and the array.
  double buffer_bytes(const ArrayProduct& work) const {
    const bool ws = schedule_.dataflow == Dataflow::weight_stationary;
    const auto folds_of = [](std::int64_t extent, std::int64_t size) {
      return static_cast<double>(ceil_div(extent, size));
    };
    const double vectors = static_cast<double>(work.vectors);
    const double columns = static_cast<double>(work.columns);
    const double group = product_.pattern.dense() ? 1 : product_.pattern.m;
    const double kept_bytes =
        2 + static_cast<double>(index_bits(product_.pattern)) / 8 / product_.pattern.shared;
    const double dense =
        vectors * static_cast<double>(work.groups) * group * 2 * folds_of(work.columns, array_.columns);
    double kept = static_cast<double>(work.kept) * columns * kept_bytes;
    double sums = vectors * columns * 4;
    if (ws) {
      sums *= 2 * folds_of(work.groups, array_.rows);
    } else {
      kept *= folds_of(work.vectors, array_.rows * array_.interleave);
    }
    return dense + kept + sums;
  }

  struct Moved {
    std::int64_t load = 0;  ///< bus bytes
    std::int64_t store = 0;
    std::int64_t sorted = 0;
    std::int64_t sore = 0;
    double bytes = 0;
  };

  /// Books the transfers of a step, times its count, and returns what one of them moves.
  Moved move(const Step& step, PassCost& all) const {
    Moved moved;
    const bool bp = product_.pass == Pass::bp;
    if (step.load_activations) {
      const Transfer t = activation_transfer(config_, product_, step.tile);
      book(bp ? all.read.gradients : all.read.activations, t.bytes, step.count);
      moved.load += t.bus;
      moved.bytes += static_cast<double>(t.bytes);
      if (product_.kept_gradient) sort(t.bytes / 2 / step.tile.out_channels, step.tile.out_channels, moved);
    }
    if (step.load_weights && product_.pass == Pass::wu) {
      const Transfer t = gradient_transfer(config_, product_, step.tile);
      book(all.read.gradients, t.bytes, step.count);
      moved.load += t.bus;
      moved.bytes += static_cast<double>(t.bytes);
      if (!product_.pattern.dense()) sort_images(step.tile, moved);
    } else if (step.load_weights) {
      const Transfer t = weight_transfer(config_, product_, step.tile, !on_the_fly_);
      book(all.read.weights, t.bytes - t.indices, step.count);
      book(all.read.indices, t.indices, step.count);
      moved.load += t.bus;
      moved.bytes += static_cast<double>(t.bytes);
      const std::int64_t length = bp ? step.tile.out_channels : step.tile.in_channels;
      const std::int64_t others = (bp ? step.tile.in_channels : step.tile.out_channels) * product_.taps;
      if (on_the_fly_ && !product_.pattern.dense()) sort(others, length, moved);
    }
    if (step.resume_output) {
      const Transfer t = output_transfer(config_, product_, step.tile, true);
      book(all.read.partial_sums, t.bytes, step.count);
      moved.load += t.bus;
      moved.bytes += static_cast<double>(t.bytes);
    }
    if (step.begin_output) {
      const Transfer t = output_transfer(config_, product_, step.tile, !step.finish_output);
      std::int64_t& operand = !step.finish_output ? all.written.partial_sums
                              : bp                ? all.written.gradients
                                                  : all.written.activations;
      book(operand, t.bytes, step.count);
      moved.store += t.bus;
      moved.bytes += static_cast<double>(t.bytes);
    }
    return moved;
  }

  void sort(std::int64_t vectors, std::int64_t length, Moved& moved) const {
    moved.sore += sore_cycles(config_, vectors, length, product_.pattern);
    moved.sorted += times(vectors, length);
  }

  /// dY through the sampler of SORE, in blocks of sixteen images: as long as the sorter takes.
  void sort_images(const Tile& tile, Moved& moved) const {
    constexpr std::int64_t kBlock = 16;
    const std::int64_t vectors = tile.rows * product_.columns * tile.out_channels;
    if (tile.images >= kBlock) sort(vectors * (tile.images / kBlock), kBlock, moved);
    if (tile.images % kBlock != 0) sort(vectors, tile.images % kBlock, moved);
  }

  static void book(std::int64_t& operand, std::int64_t bytes, std::int64_t count) {
    operand = plus(operand, times(bytes, count));
  }

  void add_step(const Step& step, bool opens, bool closes, PassCost& all) const {
    const ArrayProduct work = product_.on_array(step.tile);
    const ArrayCycles cycles = compute(step, work, closes);
    const Moved moved = move(step, all);
    const double n = static_cast<double>(step.count);

    // A pass begins with a load and ends with a store that nothing hides; between them the transfers of a
    // tile go on beside the array, the double buffer's other half being loaded and stored.
    const bool load_apart = step.first && opens;
    const bool store_apart = step.last && closes;
    const std::int64_t beside = (load_apart ? 0 : moved.load) + (store_apart ? 0 : moved.store);
    const std::int64_t busy = cycles.total() + config_.control_cycles_per_tile;
    const std::int64_t memory = std::max<std::int64_t>(0, dram_cycles(config_, beside) - busy);
    const std::int64_t sorter = std::max<std::int64_t>(0, (load_apart ? 0 : moved.sore) - busy - memory);
    std::int64_t apart = 0;
    if (load_apart) {
      apart = std::max(dram_cycles(config_, moved.load), moved.sore) +
              static_cast<std::int64_t>(std::ceil(config_.dram_latency_ns * 1e-3 * config_.clock_mhz));
    }
    if (store_apart) apart = plus(apart, dram_cycles(config_, moved.store));

    all.array += cycles * step.count;
    all.control = plus(all.control, times(config_.control_cycles_per_tile, step.count));
    all.memory = plus(all.memory, plus(times(memory, step.count), apart));
    all.sorter = plus(all.sorter, times(sorter, step.count));
    all.sore = plus(all.sore, times(moved.sore, step.count));
    all.sorted = plus(all.sorted, times(moved.sorted, step.count));
    all.bus = plus(all.bus, times(moved.load + moved.store, step.count));
    all.buffer_bytes += n * (moved.bytes + buffer_bytes(work));
    all.slots += n * static_cast<double>(work.vectors) * static_cast<double>(work.columns) *
                 static_cast<double>(work.kept);
  }

  const Config& config_;
  const Product& product_;
  const PassSchedule& schedule_;
  Loops loops_;
  Array array_;
  bool on_the_fly_;
  int activations_at_ = kNever;
  int weights_at_ = kNever;
  int output_at_ = kNever;
  int reduction_at_ = kNever;
  bool in_turn_ = true;
  std::int64_t kept_in_all_ = 1;
};

PassCost repeated(PassCost cost, std::int64_t count) {
  const auto all = [count](std::int64_t& value) { value = times(value, count); };
  cost.array = cost.array * count;
  for (std::int64_t* value : {&cost.control, &cost.memory, &cost.sorter, &cost.sore, &cost.sorted, &cost.bus})
    all(*value);
  for (Bytes* bytes : {&cost.read, &cost.written}) {
    for (std::int64_t* value : {&bytes->weights, &bytes->indices, &bytes->activations, &bytes->gradients,
                                &bytes->partial_sums, &bytes->optimizer}) {
      all(*value);
    }
  }
  cost.buffer_bytes *= static_cast<double>(count);
  cost.slots *= static_cast<double>(count);
  return cost;
}

}  // namespace

PassCost& PassCost::operator+=(const PassCost& other) {
  return add_fields(*this, other, &PassCost::array, &PassCost::control, &PassCost::memory, &PassCost::sorter,
                    &PassCost::sore, &PassCost::sorted, &PassCost::bus, &PassCost::read, &PassCost::written,
                    &PassCost::buffer_bytes, &PassCost::slots);
}

std::int64_t dram_cycles(const Config& config, std::int64_t bus) {
  const double cycles = std::ceil(static_cast<double>(bus) / config.dram_bytes_per_cycle());
  if (cycles > 9e18) refuse_overflow();
  return static_cast<std::int64_t>(cycles);
}

bool finishes_tiles_in_turn(const Product& product, const PassSchedule& schedule) {
  const Loops loops(product, schedule);
  const Loop reduction = product.reduction();
  return loops.changes_with(reduction) < place_of(schedule.order, reduction) ||
         loops.of(reduction).positions == 1;
}

bool keeps_sums_in_array(const Config& config, const Product& product, const PassSchedule& schedule) {
  const Tile tile = clipped(product, schedule.tile);
  const bool whole = spans_of(product, tile)[static_cast<std::size_t>(product.reduction())].positions == 1;
  return whole || (finishes_tiles_in_turn(product, schedule) &&
                   folds(array_of(config, schedule.interleave), Dataflow::output_stationary,
                         product.on_array(tile)) == 1);
}

std::int64_t array_bound(const Config& config, const Product& product, const PassSchedule& schedule) {
  const auto spans = spans_of(product, schedule.tile);
  const Array array = array_of(config, schedule.interleave);
  const bool ws = schedule.dataflow == Dataflow::weight_stationary;
  std::int64_t cycles = 0;
  for (const Span& pixel : spans[static_cast<std::size_t>(Loop::pixels)]) {
    for (const Span& in : spans[static_cast<std::size_t>(Loop::in_channels)]) {
      for (const Span& out : spans[static_cast<std::size_t>(Loop::out_channels)]) {
        const std::int64_t count = times(times(pixel.count, in.count), out.count);
        const ArrayProduct work = product.on_array({pixel.size, pixel.rows, in.size, out.size});
        // Of OS the steps alone: how often the array fills depends on whether the reduction is in pieces.
        const std::int64_t fold = ws ? weight_stationary_fold(array, work.vectors, work.slots).total()
                                     : times(work.kept, std::max(array.interleave, array.latency));
        const std::int64_t step =
            times(fold, folds(array, schedule.dataflow, work)) + config.control_cycles_per_tile;
        cycles = plus(cycles, times(step, count));
      }
    }
  }
  return times(cycles, product.repeats);
}

PassCost pass_cost(const Config& config, const PassProducts& products, const PassSchedule& schedule,
                   bool on_the_fly) {
  PassCost all;
  for (std::size_t i = 0; i < products.products.size(); ++i) {
    const Product& product = products.products[i];
    const ProductCost cost(config, product, schedule, on_the_fly);
    const bool first = i == 0;
    const bool last = i + 1 == products.products.size();
    if (product.repeats == 1) {
      all += cost.cost(first, last);
      continue;
    }
    all += cost.cost(first, false);
    if (product.repeats > 2) all += repeated(cost.cost(false, false), product.repeats - 2);
    all += cost.cost(false, last);
  }
  if (products.untouched_bytes > 0) {
    all.written.gradients = plus(all.written.gradients, products.untouched_bytes);
    all.bus = plus(all.bus, products.untouched_bytes);
    all.memory = plus(all.memory, dram_cycles(config, products.untouched_bytes));
    all.buffer_bytes += static_cast<double>(products.untouched_bytes);
  }
  return all;
}

}  // namespace satsuma::sat
