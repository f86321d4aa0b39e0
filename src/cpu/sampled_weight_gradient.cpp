#include "src/cpu/sampled_weight_gradient.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/gradient_split.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/kernels/sampled.hpp"
#include "src/cpu/picked_weight_gradient.hpp"
#include "src/cpu/sampled_form.hpp"
#include "src/cpu/sampled_walk.hpp"
#include "src/cpu/scratch.hpp"
#include "src/cpu/tuning.hpp"
#include "src/cpu/unfold.hpp"

namespace satsuma::cpu {

namespace {

/// What all threads share. Rows of `dw` are padded to whole vectors.
struct SampledPass {
  const Geometry& geometry;
  const SampledTiling& tiling;
  const SampledForm& form;
  Pattern pattern;
  const Tensor& x;
  std::int64_t channels;  ///< of a row of dw, padded
};

/// One thread's share: some blocks of output channels by some blocks of input channels, over some of
/// the tiles.
///
/// Tile by tile of outputs: the rows of x under it are transposed (once each), and then for each kernel row
/// and block of input channels the tile's part of x stays in the first-level cache while all output channels
/// pass.
class SampledWorker {
 public:
  SampledWorker(const SampledPass& pass, const GradientShare& share, float* dw)
      : pass_(pass),
        geometry_(pass.geometry),
        input_(pass.tiling.input),
        dw_(dw),
        first_rows_(share.rows.first / pass.form.block_channels()),
        last_rows_(ceil_div(share.rows.last, pass.form.block_channels())),
        blocks_{share.channels.first / input_.channel_block,
                ceil_div(share.channels.last, input_.channel_block)},
        walk_(pass.tiling, geometry_.kernel[0], share.steps, blocks_) {}

  void run() {
    walk_.run([this](const SampledTilePlace& tile, std::int64_t r) { return kernel_row(tile, r); },
              [this](std::int64_t r) { clear(r); });
  }

 private:
  /// Transposes an input row of a block of the tile, unless it is there.
  void hold(const SampledTilePlace& tile, std::int64_t b, std::int64_t row) {
    if (!walk_.takes(b, row)) return;
    const std::int64_t width = pass_.x.dim(3);
    const std::int64_t channels = geometry_.in_channels;
    const float* const from =
        pass_.x.data<float>() + ((tile.first_block + b) * pass_.x.dim(2) + row) * width * channels * kLanes;
    for (std::int64_t block = blocks_.first; block < blocks_.last; ++block) {
      const std::int64_t first = block * input_.channel_block;
      const auto count = static_cast<int>(std::min(input_.channel_block, channels - first));
      char* const to = walk_.part(block) + walk_.slot(b, row) * input_.row_bytes;
      for (std::int64_t position = 0; position < input_.positions; ++position) {
        const std::int64_t column = input_.column(geometry_, position);
        if (column < 0 || column >= width) continue;
        kernels().transpose(from + (column * channels + first) * kLanes, count,
                            reinterpret_cast<float*>(to + position * input_.pixel_bytes),
                            input_.channel_block);
      }
    }
  }

  bool kernel_row(const SampledTilePlace& tile, std::int64_t r) {
    const auto [begin, end] = tile.rows_inside(geometry_, r, pass_.x.dim(2));
    if (begin == end) return false;
    for (std::int64_t b = 0; b < tile.blocks; ++b) {
      for (std::int64_t row = begin; row < end; ++row) hold(tile, b, tile.input_row(geometry_, row, r));
    }
    const std::int64_t top = tile.input_row(geometry_, 0, r);
    // A tile of several rows has each input row in the slot of its number.
    const std::int64_t slot = tile.rows > 1 ? top : top % input_.slots;
    for (std::int64_t s = 0; s < geometry_.kernel[1]; s += kMostSampledTaps) {
      for (std::int64_t block = blocks_.first; block < blocks_.last; ++block)
        products(tile, begin, end, r, s, block, walk_.part(block) + slot * input_.row_bytes);
    }
    return true;
  }

  void products(const SampledTilePlace& tile, std::int64_t begin, std::int64_t end, std::int64_t r,
                std::int64_t s, std::int64_t block, const char* x) {
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    SampledTile args;
    args.count = (end - begin) * tile.row_entries;
    args.x = x;
    args.tap_count = static_cast<int>(std::min<std::int64_t>(kMostSampledTaps, geometry_.kernel[1] - s));
    for (int t = 0; t < args.tap_count; ++t)
      args.taps[t] = (s + t) * geometry_.dilation[1] * input_.pixel_bytes;
    const std::int64_t first = block * input_.channel_block;
    const std::int64_t channels = std::min(input_.channel_block, pass_.channels - first);
    const SampledKernels& kernels = sampled_kernels();
    args.vectors = static_cast<int>(channels / kernels.vector);
    const auto products = kernels.of(pass_.pattern).products;
    const std::int64_t block_rows = pass_.form.block_channels();
    args.row_stride = taps * pass_.channels;
    args.tap_stride = pass_.channels;
    args.accumulate = walk_.started(r);
    for (std::int64_t rows = first_rows_; rows < last_rows_; ++rows) {
      args.entries = pass_.form.entries(tile, rows) + begin * tile.row_entries * pass_.form.entry_bytes();
      args.rows = static_cast<int>(std::min(block_rows, geometry_.out_channels - rows * block_rows));
      args.dw = dw_ + (rows * block_rows * taps + r * geometry_.kernel[1] + s) * pass_.channels + first;
      products(args);
    }
  }

  /// A kernel row that no output sees but on padding.
  void clear(std::int64_t r) {
    const auto [kernel_height, kernel_width] = geometry_.kernel;
    const std::int64_t first = blocks_.first * input_.channel_block;
    const std::int64_t last = std::min(blocks_.last * input_.channel_block, pass_.channels);
    const std::int64_t block_rows = pass_.form.block_channels();
    const std::int64_t last_row = std::min(last_rows_ * block_rows, geometry_.out_channels);
    for (std::int64_t row = first_rows_ * block_rows; row < last_row; ++row) {
      for (std::int64_t s = 0; s < kernel_width; ++s) {
        const std::int64_t tap = (row * kernel_height + r) * kernel_width + s;
        std::fill(dw_ + tap * pass_.channels + first, dw_ + tap * pass_.channels + last, 0.0f);
      }
    }
  }

  const SampledPass& pass_;
  const Geometry& geometry_;
  const SampledInput& input_;
  float* dw_;
  std::int64_t first_rows_, last_rows_;  ///< blocks of output channels
  Range blocks_;                         ///< of input channels
  SampledWalk walk_;
};

/// Products with padding columns are done, those with padding rows are not. `channels` are padded.
GradientWork work_of(const Geometry& geometry, const SampledTiling& tiling, Pattern pattern, const Shape& x,
                     std::int64_t channels) {
  GradientWork work;
  work.rows = geometry.out_channels;
  work.row_unit = row_block(pattern);
  work.channels = channels;
  work.channel_unit = tiling.picks != nullptr ? kPickedChannels : tiling.input.channel_block;
  work.taps = geometry.kernel[0] * geometry.kernel[1];
  work.inputs = x[0] * x[2] * tiling.input.positions;
  const std::int64_t paired = tiling.picks != nullptr ? 2 : 1;
  for (const SampledTilePlace& tile : tiling.tiles) {
    std::int64_t rows = 0;
    for (std::int64_t r = 0; r < geometry.kernel[0]; ++r) rows += tile.rows_inside(geometry, r, x[2]).size();
    work.steps.push_back(rows * geometry.kernel[1] * tile.row_entries * paired);
  }
  return work;
}

std::int64_t padded_channels(const Geometry& geometry, const SampledTiling& tiling) {
  const std::int64_t vector = tiling.picks != nullptr ? kPickedChannels : sampled_kernels().vector;
  return ceil_div(geometry.in_channels, vector) * vector;
}

void run(const SampledPass& pass, float* dw) {
  const GradientSplit split(work_of(pass.geometry, pass.tiling, pass.pattern, pass.x.shape(), pass.channels),
                            threads());
  const std::int64_t size =
      pass.geometry.out_channels * pass.geometry.kernel[0] * pass.geometry.kernel[1] * pass.channels;
  split.run(dw, size,
            [&](const GradientShare& share, float* target) { SampledWorker(pass, share, target).run(); });
}

}  // namespace

void sampled_weight_gradient(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Pattern pattern,
                             const SampleKey& key, Tensor& dw) {
  const Geometry& geometry = plan.geometry;
  if (is_channels_last(x)) {
    return sampled_weight_gradient(plan, x.to(MemoryFormat::batch_blocked),
                                   dy.to(MemoryFormat::batch_blocked), pattern, key, dw);
  }
  if (worth_unfolding(geometry)) {
    Tensor unfolded_dw = unfold_weight(dw);
    return sampled_weight_gradient({unfolded(geometry), plan.operands}, unfold(geometry, x, dy.shape()), dy,
                                   pattern, key, unfolded_dw);
  }
  const DType products = multiplied(plan.operands, ProductKind::skipping);
  const Tensor input = products == DType::bf16 ? x : rounded(x, plan.operands);
  const SampledTiling tiling(geometry, x.shape(), dy.shape(), pattern, products);
  const SampledForm form(geometry, tiling, dy, pattern, key, plan.operands);
  const std::int64_t channels = padded_channels(geometry, tiling);
  if (tiling.picks != nullptr) {
    const GradientSplit split(work_of(geometry, tiling, pattern, x.shape(), channels), threads());
    return picked_weight_gradient(split, geometry, tiling, form, pattern, input, dw);
  }
  const std::int64_t rows = geometry.out_channels * geometry.kernel[0] * geometry.kernel[1];
  const SampledPass pass{geometry, tiling, form, pattern, input, channels};
  if (channels == geometry.in_channels) return run(pass, dw.data<float>());
  Scratch padded(rows * channels);
  run(pass, padded.data());
  for (std::int64_t row = 0; row < rows; ++row) {
    std::copy_n(padded.data() + row * channels, geometry.in_channels,
                dw.data<float>() + row * geometry.in_channels);
  }
}

std::vector<std::int64_t> sampled_weight_gradient_shares(const LayerPlan& plan, const Shape& x,
                                                         Pattern pattern, std::int64_t threads) {
  const Geometry& geometry = plan.geometry;
  const Shape y = geometry.output_shape("conv2d", x);
  if (worth_unfolding(geometry)) {
    const Geometry one = unfolded(geometry);
    return sampled_weight_gradient_shares({one, plan.operands}, {x[0], one.in_channels, y[2], y[3]}, pattern,
                                          threads);
  }
  const DType products = multiplied(plan.operands, ProductKind::skipping);
  const SampledTiling tiling(geometry, x, y, pattern, products);
  const GradientWork work = work_of(geometry, tiling, pattern, x, padded_channels(geometry, tiling));
  return GradientSplit(work, threads).products(work);
}

}  // namespace satsuma::cpu
