#include "satsuma/sat/schedule.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "src/sat/pass_cost.hpp"
#include "src/sat/tiles.hpp"
#include "src/sat/transfer.hpp"

namespace satsuma::sat {

namespace {

constexpr std::int64_t kImageBlock = 16;

/// One value of a schedule must lie in a range.
void require(std::string_view what, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most) {
    throw UsageError(fmt::format("{} got {}, expected {} to {}", what, value, least, most));
  }
}

void check_tile(const PassProducts& products, const Tile& tile) {
  const Product& any = products.products.front();
  std::int64_t rows = 1;
  for (const Product& product : products.products) rows = std::max(rows, product.rows);
  require("tile.images", tile.images, 1, any.images);
  require("tile.rows", tile.rows, 1, rows);
  require("tile.in_channels", tile.in_channels, 1, any.in_channels);
  require("tile.out_channels", tile.out_channels, 1, any.out_channels);
  if (tile.images != any.images && tile.images % kImageBlock != 0) {
    throw UsageError(fmt::format("tile.images got {}, expected all {} or a multiple of {}", tile.images,
                                 any.images, kImageBlock));
  }
  if (tile.rows != rows && tile.images > kImageBlock) {
    throw UsageError(fmt::format("tile.rows got {} with {} images, expected all {} rows or at most {} images",
                                 tile.rows, tile.images, rows, kImageBlock));
  }
  const std::int64_t unit = channel_unit(any.pattern);
  const auto cut = [&](std::string_view what, std::int64_t size, std::int64_t extent) {
    if (size == extent || size % unit == 0) return;
    throw UsageError(
        fmt::format("{} got {}, expected all {} or a multiple of {}, for sums are made in that order", what,
                    size, extent, unit));
  };
  if (any.reduction() == Loop::in_channels) cut("tile.in_channels", tile.in_channels, any.in_channels);
  if (any.reduction() == Loop::out_channels) cut("tile.out_channels", tile.out_channels, any.out_channels);
}

void check_buffers(const Config& config, const PassProducts& products, const PassSchedule& schedule) {
  const BufferSplit& given = schedule.buffers;
  BufferSplit need;
  for (const Product& product : products.products) {
    const BufferSplit split = split_for(config, footprint(product, clipped(product, schedule.tile)));
    need.activations = std::max(need.activations, split.activations);
    need.weights = std::max(need.weights, split.weights);
    need.output = std::max(need.output, split.output);
  }
  require("buffers.activations", given.activations, need.activations, config.buffer_kib);
  require("buffers.weights", given.weights, need.weights, config.buffer_kib);
  require("buffers.output", given.output, need.output, config.buffer_kib);
  if (given.total() > config.buffer_kib) {
    throw UsageError(fmt::format("buffers got {} KiB in all, expected at most buffer.kib = {}", given.total(),
                                 config.buffer_kib));
  }
}

void check_order(const std::array<Loop, 3>& order) {
  for (const Loop loop : {Loop::pixels, Loop::in_channels, Loop::out_channels}) {
    if (std::count(order.begin(), order.end(), loop) != 1) {
      throw UsageError("order names a loop twice, expected pixels, in_channels and out_channels once each");
    }
  }
}

void check_pass(const Config& config, const Layer& layer, Pass pass, const PassSchedule& schedule) {
  const PassProducts products = products_of(layer, pass);
  require("interleave", schedule.interleave, 1, config.accumulator_interleave);
  check_order(schedule.order);
  if (products.products.empty()) return;
  check_tile(products, schedule.tile);
  check_buffers(config, products, schedule);
  for (const Product& product : products.products) {
    if (schedule.dataflow == Dataflow::output_stationary && !keeps_sums_in_array(config, product, schedule)) {
      throw UsageError(
          "dataflow OS got a reduction in several tiles with more sums than the array holds, expected one "
          "fold a "
          "tile and the reduction innermost, or the whole reduction in a tile");
    }
  }
}

}  // namespace

std::string_view to_string(Dataflow dataflow) {
  return dataflow == Dataflow::weight_stationary ? "WS" : "OS";
}

std::string_view to_string(Loop loop) {
  switch (loop) {
    case Loop::pixels:
      return "pixels";
    case Loop::in_channels:
      return "in_channels";
    default:
      return "out_channels";
  }
}

std::int64_t channel_unit(Pattern pattern) {
  return pattern.dense() ? kImageBlock : pattern.m * ceil_div(kImageBlock, pattern.m);
}

void check(const Config& config, const Layer& layer, Pass pass, const PassSchedule& schedule) {
  try {
    check_pass(config, layer, pass, schedule);
  } catch (const UsageError& error) {
    throw UsageError(
        fmt::format("schedule of layer '{}', {}: {}", layer.plan.name, to_string(pass), error.what()));
  }
}

void check(const Config& config, const Workload& workload, const Schedule& schedule) {
  if (schedule.config_fingerprint != fingerprint(config)) {
    throw UsageError(fmt::format(
        "the schedule of '{}' was made for another configuration (fingerprint {}), expected {}; make it anew",
        schedule.workload, schedule.config_fingerprint, fingerprint(config)));
  }
  if (schedule.workload_fingerprint != fingerprint(workload) ||
      schedule.layers.size() != workload.layers.size()) {
    throw UsageError(
        fmt::format("the schedule was made for another workload, '{}' with fingerprint {}, expected '{}' "
                    "with {}; make it anew",
                    schedule.workload, schedule.workload_fingerprint, workload.name, fingerprint(workload)));
  }
  for (std::size_t i = 0; i < workload.layers.size(); ++i) {
    const Layer& layer = workload.layers[i];
    if (schedule.layers[i].layer != layer.plan.name) {
      throw UsageError(fmt::format("the schedule got '{}' as layer {}, expected '{}'",
                                   schedule.layers[i].layer, i + 1, layer.plan.name));
    }
    for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
      if (layer.runs(pass)) check(config, layer, pass, schedule.layers[i][pass]);
    }
  }
}

}  // namespace satsuma::sat
