#include "src/cpu/passes.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/pair_forms.hpp"
#include "src/cpu/tiles.hpp"
#include "src/cpu/unfold.hpp"

namespace satsuma::cpu {

namespace {

AxisGeometry along(const Geometry& geometry, std::size_t axis) {
  return {geometry.kernel[axis], geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis]};
}

/// A pass without its tensors.
TilePass pass_between(const LayerPlan& plan, const Shape& input, const Shape& output) {
  TilePass pass;
  pass.kernel_width = static_cast<int>(plan.geometry.kernel[1]);
  pass.kernel_taps = static_cast<int>(plan.geometry.kernel[0] * plan.geometry.kernel[1]);
  pass.blocks = ceil_div(input[0], kLanes);
  pass.in_channels = input[1];
  pass.out_channels = output[1];
  pass.wide = plan.operands == DType::bf16;
  return pass;
}

TilePass forward_pass(const LayerPlan& plan, const Shape& x, const Shape& y) {
  TilePass pass = pass_between(plan, x, y);
  pass.rows = forward_axis(along(plan.geometry, 0), x[2], y[2]);
  pass.columns = forward_axis(along(plan.geometry, 1), x[3], y[3]);
  return pass;
}

TilePass backward_pass(const LayerPlan& plan, const Shape& dy, const Shape& dx) {
  TilePass pass = pass_between(plan, dy, dx);
  pass.rows = backward_axis(along(plan.geometry, 0), dx[2], dy[2]);
  pass.columns = backward_axis(along(plan.geometry, 1), dx[3], dy[3]);
  return pass;
}

/// So few outputs along an axis that taps on the padding beside them are a good part of all.
constexpr std::int64_t kNarrow = 2;
constexpr std::int64_t kAnyWidth = std::numeric_limits<std::int64_t>::max();

/// Rows leave out taps on padding as it is; columns where they are narrow, or are asked to.
void leave_out_padding(TilePass& pass, const SumOrder& order) {
  pass.columns = without_padding(pass.columns, order.skip_padding ? kAnyWidth : kNarrow);
}

/// How a pass is walked with N:M weights, or with dense ones where there is no pattern.
struct Walk {
  TileShape shape;
  int row_multiple;
};

Walk wide_walk(const TilePass& pass, const std::optional<Pattern>& nm) {
  const Bf16Kernels& table = *bf16_kernels();
  const std::int64_t m = nm ? nm->m : 2;
  const std::int64_t group = m % 2 == 0 ? m : 2 * m;
  TileShape shape = tile_shape(pass, nm ? table.tile : table.dense_tile, group);
  shape.channel_block = std::min(ceil_div(shape.channel_block, 2) * 2, kMostPairChannels / group * group);
  return {shape, nm ? rows_together(*nm) : table.dense_rows};
}

Walk walk_of(const TilePass& pass, const std::optional<Pattern>& nm, const SumOrder& order) {
  if (pass.wide) return wide_walk(pass, nm);
  const Kernels& table = kernels();
  const int rows = nm ? rows_together(*nm) : table.dense_rows;
  const int tile = !nm ? table.dense_tile : rows == 1 ? table.tile : table.shared_tile;
  TileShape shape = tile_shape(pass, tile, nm ? nm->m : 1);
  if (order.channel_block != 0) shape.channel_block = std::min(order.channel_block, pass.in_channels);
  return {shape, rows};
}

std::optional<Pattern> pattern_of(const WeightOperand& w) {
  if (w.packed == nullptr) return std::nullopt;
  return w.packed->pattern;
}

void run_wide(const TilePass& pass, const Walk& walk, const WeightOperand& w, bool transposed) {
  const auto& [shape, row_multiple] = walk;
  const Bf16Kernels& table = *bf16_kernels();
  if (w.packed != nullptr) {
    const NmPairForm& form = nm_pair_form(*w.packed, shape.channel_block);
    const auto nm = row_multiple == 1 ? table.nm : table.nm_shared;
    walk_tiles(pass, shape, row_multiple, [&](const TileArgs& args, std::int64_t b) {
      nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const DensePairForm form = dense_pair_form(*w.dense, shape.channel_block, row_multiple, transposed);
    walk_tiles(pass, shape, row_multiple, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

void run(TilePass& pass, const WeightOperand& w, bool transposed, const SumOrder& order) {
  leave_out_padding(pass, order);
  const Walk walk = walk_of(pass, pattern_of(w), order);
  if (pass.wide) return run_wide(pass, walk, w, transposed);
  const auto& [shape, row_multiple] = walk;
  const Kernels& table = kernels();
  if (w.packed != nullptr) {
    const NmForm& form = nm_form(*w.packed, shape.channel_block);
    const auto nm = row_multiple == 1 ? table.nm : table.nm_shared;
    walk_tiles(pass, shape, row_multiple, [&](const TileArgs& args, std::int64_t b) {
      nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const DenseForm form = dense_form(*w.dense, shape.channel_block, transposed);
    walk_tiles(pass, shape, row_multiple, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

}  // namespace

void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias, Tensor& y,
             const SumOrder& order) {
  const Geometry& geometry = plan.geometry;
  if (is_channels_last(y)) return forward_channels_last(plan, x, w, bias, y);
  // Unfolded channels follow each other by row, column and channel, as in one block.
  const bool one_block = order.channel_block == 0 || order.channel_block >= geometry.in_channels;
  if (w.dense != nullptr && worth_unfolding(geometry) && one_block && !order.skip_padding) {
    const Tensor weight = unfold_weight(*w.dense);
    forward({unfolded(geometry), plan.operands}, unfold(geometry, x, y.shape()), {.dense = &weight}, bias, y);
    return;
  }
  TilePass pass = forward_pass(plan, x.shape(), y.shape());
  pass.input = x.data<float>();
  pass.output = y.data<float>();
  pass.bias = bias.defined() ? bias.data<float>() : nullptr;
  run(pass, w, false, order);
}

void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                   const SumOrder& order) {
  if (is_channels_last(dx)) return backward_data_channels_last(plan, dy, w, dx);
  TilePass pass = backward_pass(plan, dy.shape(), dx.shape());
  pass.input = dy.data<float>();
  pass.output = dx.data<float>();
  run(pass, w, true, order);
}

namespace {

std::vector<std::int64_t> shares_of(TilePass pass, const std::optional<Pattern>& nm, std::int64_t threads) {
  leave_out_padding(pass, {});
  const Walk walk = walk_of(pass, nm, {});
  return tile_shares(pass, walk.shape, walk.row_multiple, threads);
}

}  // namespace

std::vector<std::int64_t> forward_shares(const LayerPlan& plan, const Shape& x,
                                         const std::optional<Pattern>& nm, std::int64_t threads) {
  const Shape y = plan.geometry.output_shape("conv2d", x);
  if (!nm && worth_unfolding(plan.geometry)) {
    const Geometry one = unfolded(plan.geometry);
    const LayerPlan unfolded_plan(one, plan.operands);
    return shares_of(forward_pass(unfolded_plan, {x[0], one.in_channels, y[2], y[3]}, y), {}, threads);
  }
  return shares_of(forward_pass(plan, x, y), nm, threads);
}

std::vector<std::int64_t> backward_data_shares(const LayerPlan& plan, const Shape& x,
                                               const std::optional<Pattern>& nm, std::int64_t threads) {
  return shares_of(backward_pass(plan, plan.geometry.output_shape("conv2d", x), x), nm, threads);
}

}  // namespace satsuma::cpu
