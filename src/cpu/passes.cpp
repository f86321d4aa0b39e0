#include "src/cpu/passes.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/cpu/amx_form.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/pair_forms.hpp"
#include "src/cpu/tiles.hpp"
#include "src/cpu/tuning.hpp"
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

/// So few outputs along an axis that taps on the padding beside them are a good part of all.
constexpr std::int64_t kNarrow = 2;
constexpr std::int64_t kAnyWidth = std::numeric_limits<std::int64_t>::max();

/// How a pass is walked with N:M weights, or with dense ones where there is no pattern.
struct Walk {
  TileShape shape;
  int row_multiple;
};

Walk walk_of_pairs(const TilePass& pass, const std::optional<Pattern>& nm) {
  const Bf16Kernels& table = *bf16_kernels();
  const std::int64_t m = nm ? nm->m : 2;
  const std::int64_t group = m % 2 == 0 ? m : 2 * m;
  TileShape shape = tile_shape(pass, nm ? table.tile : table.dense_tile, group);
  shape.channel_block = std::min(ceil_div(shape.channel_block, 2) * 2, kMostPairChannels / group * group);
  return {shape, nm ? rows_together(*nm) : table.dense_rows};
}

/// Makes it a pass of AMX. All input channels are together: sums rest in its registers.
Walk walk_by_amx(TilePass& pass, const AmxKernels& kernels) {
  pass.wide = false;
  pass.amx = &kernels;
  constexpr int kPixels = 16;  // that use a weight which comes from the second-level cache or from behind it
  return {{kPixels, 1, ceil_div(pass.in_channels, kAmxTerms) * kAmxTerms}, static_cast<int>(kAmxRows)};
}

Walk walk_of_tiles(const TilePass& pass, const std::optional<Pattern>& nm, const SumOrder& order) {
  const Kernels& table = kernels();
  const int rows = nm ? rows_together(*nm) : table.dense_rows;
  const int tile = !nm ? table.dense_tile : rows == 1 ? table.tile : table.shared_tile;
  TileShape shape = tile_shape(pass, tile, nm ? nm->m : 1);
  if (order.channel_block != 0) shape.channel_block = std::min(order.channel_block, pass.in_channels);
  return {shape, rows};
}

/// Walks the tiles with one kernel and the blocks of a form of the weight.
template <typename Weights>
void walk(const TilePass& pass, const Walk& walk, void (*kernel)(const TileArgs&, const Weights&),
          const std::vector<Weights>& blocks) {
  walk_tiles(pass, walk.shape, walk.row_multiple, [&](const TileArgs& args, std::int64_t block) {
    kernel(args, blocks[static_cast<std::size_t>(block)]);
  });
}

void run_pairs(const TilePass& pass, const WeightOperand& w, bool transposed) {
  const Bf16Kernels& table = *bf16_kernels();
  if (w.packed != nullptr) {
    const Walk how = walk_of_pairs(pass, w.packed->pattern);
    walk(pass, how, how.row_multiple == 1 ? table.nm : table.nm_shared,
         nm_pair_form(*w.packed, how.shape.channel_block).blocks);
  } else {
    const Walk how = walk_of_pairs(pass, {});
    const DensePairForm form =
        dense_pair_form(*w.dense, how.shape.channel_block, how.row_multiple, transposed);
    walk(pass, how, table.dense, form.blocks);
  }
}

void run_tiles(const TilePass& pass, const WeightOperand& w, bool transposed, const SumOrder& order) {
  const Kernels& table = kernels();
  if (w.packed != nullptr) {
    const Walk how = walk_of_tiles(pass, w.packed->pattern, order);
    walk(pass, how, how.row_multiple == 1 ? table.nm : table.nm_shared,
         nm_form(*w.packed, how.shape.channel_block).blocks);
  } else {
    const Walk how = walk_of_tiles(pass, {}, order);
    const DenseForm form = dense_form(*w.dense, how.shape.channel_block, transposed);
    walk(pass, how, table.dense, form.blocks);
  }
}

void run_amx(TilePass pass, const WeightOperand& w, bool transposed, const AmxKernels& kernels) {
  const Walk how = walk_by_amx(pass, kernels);
  const AmxForm form = w.packed != nullptr ? amx_form(*w.packed) : amx_form(*w.dense, transposed);
  walk(pass, how, kernels.dense, {form.weights});
}

/// Columns of padding are left out where that pays or is asked for; rows leave it out as it is.
Axis columns_of(const Axis& columns, const SumOrder& order) {
  return without_padding(columns, order.skip_padding ? kAnyWidth : kNarrow);
}

TilePass forward_pass(const LayerPlan& plan, const Shape& x, const Shape& y, const SumOrder& order = {}) {
  TilePass pass = pass_between(plan, x, y);
  pass.rows = forward_axis(along(plan.geometry, 0), x[2], y[2]);
  pass.columns = columns_of(forward_axis(along(plan.geometry, 1), x[3], y[3]), order);
  return pass;
}

TilePass forward_pass(const LayerPlan& plan, const Tensor& x, const Tensor& bias, Tensor& y,
                      const SumOrder& order) {
  TilePass pass = forward_pass(plan, x.shape(), y.shape(), order);
  pass.input = x.data<float>();
  pass.output = y.data<float>();
  pass.bias = bias.defined() ? bias.data<float>() : nullptr;
  return pass;
}

TilePass backward_pass(const LayerPlan& plan, const Shape& dy, const Shape& dx, const SumOrder& order = {}) {
  TilePass pass = pass_between(plan, dy, dx);
  pass.rows = backward_axis(along(plan.geometry, 0), dx[2], dy[2]);
  pass.columns = columns_of(backward_axis(along(plan.geometry, 1), dx[3], dy[3]), order);
  return pass;
}

TilePass backward_pass(const LayerPlan& plan, const Tensor& dy, Tensor& dx, const SumOrder& order) {
  TilePass pass = backward_pass(plan, dy.shape(), dx.shape(), order);
  pass.input = dy.data<float>();
  pass.output = dx.data<float>();
  return pass;
}

std::vector<std::int64_t> shares_of(const LayerPlan& plan, TilePass pass, const std::optional<Pattern>& nm,
                                    std::int64_t threads) {
  if (multiplies_by_amx(plan, nm)) {
    const Walk how = walk_by_amx(pass, *amx_kernels());
    return tile_shares(pass, how.shape, how.row_multiple, threads);
  }
  const ProductKind kind = nm ? ProductKind::skipping : ProductKind::dense;
  pass.wide = pass.wide && multiplied(DType::bf16, kind) == DType::bf16;
  const Walk how = pass.wide ? walk_of_pairs(pass, nm) : walk_of_tiles(pass, nm, {});
  return tile_shares(pass, how.shape, how.row_multiple, threads);
}

}  // namespace

bool multiplies_by_amx(const LayerPlan& plan, const std::optional<Pattern>& nm) {
  constexpr std::int64_t kLeastProducts = 64;  // of the 512 that a pixel makes with a tile
  const Geometry& geometry = plan.geometry;
  return plan.operands == DType::bf16 && geometry.in_channels * geometry.out_channels >= kLeastProducts &&
         (nm ? amx_pays(*nm) : bf16_pays(ProductKind::amx));
}

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

void forward_amx(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                 Tensor& y, const AmxKernels& kernels) {
  run_amx(forward_pass(plan, x, bias, y, {}), w, false, kernels);
}

void backward_data_amx(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx,
                       const AmxKernels& kernels) {
  run_amx(backward_pass(plan, dy, dx, {}), w, true, kernels);
}

std::vector<std::int64_t> forward_shares(const LayerPlan& plan, const Shape& x,
                                         const std::optional<Pattern>& nm, std::int64_t threads) {
  const Shape y = plan.geometry.output_shape("conv2d", x);
  if (!nm && worth_unfolding(plan.geometry)) {
    const Geometry one = unfolded(plan.geometry);
    const LayerPlan unfolded_plan(one, plan.operands);
    return shares_of(unfolded_plan, forward_pass(unfolded_plan, {x[0], one.in_channels, y[2], y[3]}, y), {},
                     threads);
  }
  return shares_of(plan, forward_pass(plan, x, y), nm, threads);
}

std::vector<std::int64_t> backward_data_shares(const LayerPlan& plan, const Shape& x,
                                               const std::optional<Pattern>& nm, std::int64_t threads) {
  return shares_of(plan, backward_pass(plan, plan.geometry.output_shape("conv2d", x), x), nm, threads);
}

}  // namespace satsuma::cpu
