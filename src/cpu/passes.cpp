#include "src/cpu/passes.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/pair_forms.hpp"
#include "src/cpu/tiles.hpp"
#include "src/cpu/unfold.hpp"

namespace satsuma::cpu {

namespace {

AxisGeometry along(const Geometry& geometry, std::size_t axis) {
  return {geometry.kernel[axis], geometry.stride[axis], geometry.padding[axis], geometry.dilation[axis]};
}

TilePass pass_over(const PassSpec& spec, const Tensor& input, Tensor& output) {
  TilePass pass;
  pass.kernel_width = static_cast<int>(spec.geometry.kernel[1]);
  pass.blocks = ceil_div(input.dim(0), kLanes);
  pass.in_channels = input.dim(1);
  pass.out_channels = output.dim(1);
  pass.input = input.data<float>();
  pass.output = output.data<float>();
  pass.wide = spec.operands == DType::bf16;
  return pass;
}

/// The same outputs in more classes, none of which has a tap on padding.
Axis split_at_padding(const Axis& axis) {
  Axis result{axis.inputs, axis.outputs, {}};
  const auto taps_of = [&](const AxisClass& group, std::int64_t t) {
    std::vector<AxisTap> taps;
    for (const AxisTap& tap : group.taps) {
      const std::int64_t at = tap.shift + t * group.step;
      if (at >= 0 && at < axis.inputs) taps.push_back({tap.tap, at});
    }
    return taps;
  };
  for (const AxisClass& group : axis.classes) {
    for (std::int64_t t = 0; t < group.count; ++t) {
      std::vector<AxisTap> taps = taps_of(group, t);
      const auto continues = [&](const AxisClass& last) {
        bool same = last.stride == group.stride &&
                    last.first + last.count * last.stride == group.first + t * group.stride &&
                    last.taps.size() == taps.size();
        for (std::size_t i = 0; same && i < taps.size(); ++i) same = last.taps[i].tap == taps[i].tap;
        return same;
      };
      if (t > 0 && continues(result.classes.back())) {
        ++result.classes.back().count;
      } else {
        result.classes.push_back(
            {group.first + t * group.stride, group.stride, 1, group.step, std::move(taps)});
      }
    }
  }
  return result;
}

void run_wide(const TilePass& pass, const WeightOperand& w, bool transposed) {
  const Bf16Kernels& table = *bf16_kernels();
  const auto block_of = [&](int tile, std::int64_t group) {
    const std::int64_t fitting = channel_block(pass.rows, pass.columns, pass.in_channels, tile, group);
    return std::min(ceil_div(fitting, 2) * 2, kMostPairChannels / group * group);
  };
  if (w.packed != nullptr) {
    const std::int64_t m = w.packed->pattern.m;
    const std::int64_t block = block_of(table.tile, m % 2 == 0 ? m : 2 * m);
    const NmPairForm& form = nm_pair_form(*w.packed, block);
    walk_tiles(pass, block, table.tile, 1, [&](const TileArgs& args, std::int64_t b) {
      table.nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const std::int64_t block = block_of(table.dense_tile, 2);
    const DensePairForm form = dense_pair_form(*w.dense, block, table.dense_rows, transposed);
    walk_tiles(pass, block, table.dense_tile, table.dense_rows, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

void run(TilePass& pass, const WeightOperand& w, bool transposed, const SumOrder& order) {
  if (order.skip_padding) pass.columns = split_at_padding(pass.columns);  // rows leave it out as it is
  if (pass.wide) return run_wide(pass, w, transposed);
  const Kernels& table = kernels();
  const auto block_of = [&](int tile, std::int64_t group) {
    if (order.channel_block != 0) return std::min(order.channel_block, pass.in_channels);
    const std::int64_t pixels = std::max<std::int64_t>(1, tile * table.vector / kLanes);
    return channel_block(pass.rows, pass.columns, pass.in_channels, pixels, group);
  };
  if (w.packed != nullptr) {
    const std::int64_t block = block_of(table.tile, w.packed->pattern.m);
    const NmForm& form = nm_form(*w.packed, block);
    walk_tiles(pass, block, table.tile, 1, [&](const TileArgs& args, std::int64_t b) {
      table.nm(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  } else {
    const std::int64_t block = block_of(table.dense_tile, 1);
    const DenseForm form = dense_form(*w.dense, block, transposed);
    walk_tiles(pass, block, table.dense_tile, table.dense_rows, [&](const TileArgs& args, std::int64_t b) {
      table.dense(args, form.blocks[static_cast<std::size_t>(b)]);
    });
  }
}

}  // namespace

void forward(const PassSpec& spec, const Tensor& x, const WeightOperand& w, const Tensor& bias, Tensor& y,
             const SumOrder& order) {
  const Geometry& geometry = spec.geometry;
  // Unfolded channels follow each other by row, column and channel, as in one block.
  const bool one_block = order.channel_block == 0 || order.channel_block >= geometry.in_channels;
  if (w.dense != nullptr && worth_unfolding(geometry) && one_block && !order.skip_padding) {
    const Tensor weight = unfold_weight(*w.dense);
    forward({unfolded(geometry), spec.operands}, unfold(geometry, x, y.shape()), {.dense = &weight}, bias, y);
    return;
  }
  TilePass pass = pass_over(spec, x, y);
  pass.rows = forward_axis(along(geometry, 0), x.dim(2), y.dim(2));
  pass.columns = forward_axis(along(geometry, 1), x.dim(3), y.dim(3));
  pass.bias = bias.defined() ? bias.data<float>() : nullptr;
  run(pass, w, false, order);
}

void backward_data(const PassSpec& spec, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                   const SumOrder& order) {
  const Geometry& geometry = spec.geometry;
  TilePass pass = pass_over(spec, dy, dx);
  pass.rows = backward_axis(along(geometry, 0), dx.dim(2), dy.dim(2));
  pass.columns = backward_axis(along(geometry, 1), dx.dim(3), dy.dim(3));
  run(pass, w, true, order);
}

}  // namespace satsuma::cpu
