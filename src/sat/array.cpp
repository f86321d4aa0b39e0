#include "satsuma/sat/array.hpp"

#include <algorithm>

#include "satsuma/core/integer.hpp"
#include "src/sat/checked.hpp"

namespace satsuma::sat {

Array array_of(const Config& config, std::int64_t interleave) {
  return {config.rows, config.columns, config.accumulator_latency, interleave};
}

ArrayCycles& ArrayCycles::operator+=(const ArrayCycles& other) {
  compute = plus(compute, other.compute);
  accumulator = plus(accumulator, other.accumulator);
  fill = plus(fill, other.fill);
  return *this;
}

ArrayCycles operator*(ArrayCycles cycles, std::int64_t count) {
  return {times(cycles.compute, count), times(cycles.accumulator, count), times(cycles.fill, count)};
}

ArrayCycles weight_stationary_fold(const Array& array, std::int64_t vectors, std::int64_t slots) {
  const std::int64_t period = std::max(array.interleave, array.latency);
  const std::int64_t blocks = ceil_div(vectors, array.interleave);
  const std::int64_t ragged = vectors - (blocks - 1) * array.interleave;
  const std::int64_t issue =
      times(blocks - 1, (slots - 1) * period + array.interleave) + (slots - 1) * period + ragged;
  // Without waiting for sums, and with a ragged last block's empty slots: what the work itself takes.
  const std::int64_t compute =
      times(blocks - 1, slots * array.interleave) + (slots - 1) * array.interleave + ragged;
  const std::int64_t row_skew = (slots - 1) * period + array.latency;
  return {compute, issue - compute,
          array.rows * slots + (array.rows - 1) * row_skew + (array.columns - 1) + array.latency - 1};
}

ArrayCycles output_stationary_fold(const Array& array, std::int64_t kept) {
  const std::int64_t period = std::max(array.interleave, array.latency);
  const std::int64_t compute = times(kept, array.interleave);
  const std::int64_t accumulator = times(kept, period - array.interleave);
  const std::int64_t fill =
      (array.rows - 1) + (array.columns - 1) + std::min(array.interleave, array.latency) - 1;
  const std::int64_t drain =
      std::max<std::int64_t>(0, array.rows * array.interleave - (compute + accumulator + fill));
  return {compute, accumulator, fill + drain};
}

std::int64_t folds(const Array& array, Dataflow dataflow, const ArrayProduct& product) {
  const bool ws = dataflow == Dataflow::weight_stationary;
  const std::int64_t spatial =
      ws ? ceil_div(product.groups, array.rows) : ceil_div(product.vectors, array.rows * array.interleave);
  return times(spatial, ceil_div(product.columns, array.columns));
}

ArrayCycles array_cycles(const Array& array, Dataflow dataflow, const ArrayProduct& product) {
  const std::int64_t count = folds(array, dataflow, product);
  if (dataflow == Dataflow::weight_stationary) {
    return weight_stationary_fold(array, product.vectors, product.slots) * count;
  }
  ArrayCycles all = output_stationary_fold(array, product.kept) * count;
  all.fill -= last_drain(array, product.kept);
  return all;
}

std::int64_t last_drain(const Array& array, std::int64_t kept) {
  const std::int64_t period = std::max(array.interleave, array.latency);
  const std::int64_t busy = times(kept, period) + (array.rows - 1) + (array.columns - 1) +
                            std::min(array.interleave, array.latency) - 1;
  return std::max<std::int64_t>(0, array.rows * array.interleave - busy);
}

std::int64_t sore_cycles(const Config& config, std::int64_t vectors, std::int64_t length, Pattern pattern) {
  return times(ceil_div(vectors, config.sore_lanes), length) + pattern.n;
}

std::int64_t wuve_cycles(const Config& config, std::int64_t weights) {
  return ceil_div(weights, config.wuve_lanes) + config.wuve_latency - 1;
}

}  // namespace satsuma::sat
