#include "src/cpu/passes.hpp"

#include <algorithm>
#include <limits>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/pair_forms.hpp"
#include "src/cpu/tiles.hpp"

namespace satsuma::cpu {

namespace {

AxisGeometry along(const Geometry& geometry, std::size_t axis) {
  return {geometry.kernel[axis], geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis]};
}

TilePass pass_over(const LayerPlan& plan, const Tensor& input, Tensor& output) {
  TilePass pass;
  pass.kernel_width = static_cast<int>(plan.geometry.kernel[1]);
  pass.kernel_taps = static_cast<int>(plan.geometry.kernel[0] * plan.geometry.kernel[1]);
  pass.blocks = ceil_div(input.dim(0), kLanes);
  pass.in_channels = input.dim(1);
  pass.out_channels = output.dim(1);
  pass.input = input.data<float>();
  pass.output = output.data<float>();
  pass.wide = plan.operands == DType::bf16;
  return pass;
}

/// So few outputs along an axis that taps on the padding beside them are a good part of all.
constexpr std::int64_t kNarrow = 2;
constexpr std::int64_t kAnyWidth = std::numeric_limits<std::int64_t>::max();

void run_pairs(const TilePass& pass, const WeightOperand& w, bool transposed) {
  const Bf16Kernels& table = *bf16_kernels();
  const auto shape_of = [&](int tile, std::int64_t group) {
    TileShape shape = tile_shape(pass, tile, group);
    shape.channel_block = std::min(ceil_div(shape.channel_block, 2) * 2, kMostPairChannels / group * group);
    return shape;
  };
  if (w.packed != nullptr) {
    const std::int64_t m = w.packed->pattern.m;
    const TileShape shape = shape_of(table.tile, m % 2 == 0 ? m : 2 * m);
    const NmPairForm& form = nm_pair_form(*w.packed, shape.channel_block);
    walk_tiles(pass, shape, 1, [&](const TileArgs& args, std::int64_t b) {
      table.nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const TileShape shape = shape_of(table.dense_tile, 2);
    const DensePairForm form = dense_pair_form(*w.dense, shape.channel_block, table.dense_rows, transposed);
    walk_tiles(pass, shape, table.dense_rows, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

void run_tiles(const TilePass& pass, const WeightOperand& w, bool transposed, const SumOrder& order) {
  const Kernels& table = kernels();
  const auto shape_of = [&](int tile, std::int64_t group) {
    TileShape shape = tile_shape(pass, tile, group);
    if (order.channel_block != 0) shape.channel_block = std::min(order.channel_block, pass.in_channels);
    return shape;
  };
  if (w.packed != nullptr) {
    const TileShape shape = shape_of(table.tile, w.packed->pattern.m);
    const NmForm& form = nm_form(*w.packed, shape.channel_block);
    walk_tiles(pass, shape, 1, [&](const TileArgs& args, std::int64_t b) {
      table.nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const TileShape shape = shape_of(table.dense_tile, 1);
    const DenseForm form = dense_form(*w.dense, shape.channel_block, transposed);
    walk_tiles(pass, shape, table.dense_rows, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

/// Columns of padding are left out where that pays or is asked for; rows leave it out as it is.
Axis columns_of(const Axis& columns, const SumOrder& order) {
  return without_padding(columns, order.skip_padding ? kAnyWidth : kNarrow);
}

TilePass forward_pass(const LayerPlan& plan, const Tensor& x, const Tensor& bias, Tensor& y,
                      const SumOrder& order) {
  TilePass pass = pass_over(plan, x, y);
  pass.rows = forward_axis(along(plan.geometry, 0), x.dim(2), y.dim(2));
  pass.columns = columns_of(forward_axis(along(plan.geometry, 1), x.dim(3), y.dim(3)), order);
  pass.bias = bias.defined() ? bias.data<float>() : nullptr;
  return pass;
}

TilePass backward_pass(const LayerPlan& plan, const Tensor& dy, Tensor& dx, const SumOrder& order) {
  TilePass pass = pass_over(plan, dy, dx);
  pass.rows = backward_axis(along(plan.geometry, 0), dx.dim(2), dy.dim(2));
  pass.columns = columns_of(backward_axis(along(plan.geometry, 1), dx.dim(3), dy.dim(3)), order);
  return pass;
}

}  // namespace

void forward_tiles(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                   Tensor& y, const SumOrder& order) {
  run_tiles(forward_pass(plan, x, bias, y, order), w, false, order);
}

void forward_pairs(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                   Tensor& y) {
  run_pairs(forward_pass(plan, x, bias, y, {}), w, false);
}

void backward_data_tiles(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                         const SumOrder& order) {
  run_tiles(backward_pass(plan, dy, dx, order), w, true, order);
}

void backward_data_pairs(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) {
  run_pairs(backward_pass(plan, dy, dx, {}), w, true);
}

}  // namespace satsuma::cpu
