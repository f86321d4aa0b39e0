#include "src/cpu/picked_weight_gradient.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/kernels/picked.hpp"
#include "src/cpu/sampled_walk.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

namespace {

/// Sums of dw while they grow, [tap][block of input channels][block of output channels][input channel][row
/// of a pair][lane]: blocks of kPickedChannels, and of sixteen lanes of one output channel or two.
struct PickedSums {
  std::int64_t taps, blocks, row_blocks, block_rows;

  std::int64_t block_floats() const { return kPickedChannels * block_rows; }
  std::int64_t tap_floats() const { return blocks * row_blocks * block_floats(); }
  std::int64_t floats() const { return taps * tap_floats(); }
  std::int64_t at(std::int64_t tap, std::int64_t block, std::int64_t rows) const {
    return ((tap * blocks + block) * row_blocks + rows) * block_floats();
  }
};

/// What all threads share. Where one tile has all of the outputs, sums are finished as soon as they are made:
/// `sums` is the layout of those of some kernel positions and one block of input channels, which a thread
/// writes to `dw` at once.
struct PickedPass {
  const Geometry& geometry;
  const SampledTiling& tiling;
  const SampledForm& form;
  const PickRowKernels& kernels;
  const Tensor& x;
  PickedSums sums;
  float* dw;  ///< null where there are several tiles
};

/// What dw has of some sums: those of up to sixteen input channels under a tap by the output channels of a
/// block.
void write_block(const PickedPass& pass, const float* sums, std::int64_t tap, std::int64_t block,
                 std::int64_t rows, float* dw) {
  const Geometry& geometry = pass.geometry;
  const std::int64_t together = pass.sums.block_rows / kLanes;
  const std::int64_t channels = geometry.in_channels;
  const std::int64_t first = block * kPickedChannels;
  const std::int64_t count = std::min(kPickedChannels, channels - first);
  const std::int64_t row_floats = geometry.kernel[0] * geometry.kernel[1] * channels;
  for (std::int64_t r = 0; r < together; ++r) {
    const std::int64_t row = rows * pass.sums.block_rows + r;
    const std::int64_t lanes = std::min(kLanes, ceil_div(geometry.out_channels - row, together));
    const float* const from = sums + r * kLanes;
    float* const to = dw + row * row_floats + tap * channels + first;
    if (lanes == kLanes && channels % kPickedChannels == 0) {
      kernels().transpose_square(from, pass.sums.block_rows, to, together * row_floats);
      continue;
    }
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      for (std::int64_t c = 0; c < count; ++c)
        to[lane * together * row_floats + c] = from[c * pass.sums.block_rows + lane];
    }
  }
}

/// One thread's share: some blocks of output channels by some blocks of input channels, over some of the
/// tiles.
///
/// Tile by tile of outputs: the rows of x under it are packed (once each), and then for each kernel row the
/// tile's part of some input channels stays in the first-level cache while all output channels pass.
class PickedWorker {
 public:
  PickedWorker(const PickedPass& pass, const GradientShare& share, float* sums)
      : pass_(pass),
        geometry_(pass.geometry),
        input_(pass.tiling.input),
        sums_(sums),
        first_rows_(share.rows.first / pass.form.block_channels()),
        last_rows_(ceil_div(share.rows.last, pass.form.block_channels())),
        parts_{share.channels.first / input_.channel_block,
               ceil_div(share.channels.last, kPickedChannels) * kPickedChannels / input_.channel_block},
        walk_(pass.tiling, geometry_.kernel[0], share.steps, parts_) {}

  void run() {
    walk_.run([this](const SampledTilePlace& tile, std::int64_t r) { return kernel_row(tile, r); },
              [this](std::int64_t r) { clear(r); });
  }

 private:
  /// Packs an input row of a block of the tile, unless it is there.
  void hold(const SampledTilePlace& tile, std::int64_t b, std::int64_t row) {
    if (!walk_.takes(b, row)) return;
    const std::int64_t width = pass_.x.dim(3);
    const std::int64_t channels = geometry_.in_channels;
    const std::int64_t sixteen = (tile.first_block + b) * kWideLanes / kLanes;
    const std::int64_t image_floats = pass_.x.dim(2) * width * channels * kLanes;
    const float* const first =
        pass_.x.data<float>() + sixteen * image_floats + row * width * channels * kLanes;
    const bool two = (sixteen + 1) * kLanes < pass_.x.dim(0);
    for (std::int64_t position = 0; position < input_.positions; ++position) {
      const std::int64_t column = input_.column(geometry_, position);
      if (column < 0 || column >= width) continue;
      const std::int64_t to = walk_.slot(b, row) * input_.row_bytes + position * input_.pixel_bytes;
      for (std::int64_t i = parts_.first; i < parts_.last; ++i) {
        const std::int64_t channel = i * input_.channel_block;
        const std::int64_t count = std::min(input_.channel_block, channels - channel);
        if (count <= 0) break;
        const float* const from = first + (column * channels + channel) * kLanes;
        pass_.tiling.picks->pack(from, two ? from + image_floats : nullptr, count, walk_.part(i) + to);
      }
    }
  }

  bool kernel_row(const SampledTilePlace& tile, std::int64_t r) {
    const Range rows = tile.rows_inside(geometry_, r, pass_.x.dim(2));
    if (rows.size() == 0) return false;
    pixels_.clear();
    for (std::int64_t row = rows.first; row < rows.last; ++row) {
      const std::int64_t input_row = tile.input_row(geometry_, row, r);
      for (std::int64_t b = 0; b < tile.blocks; ++b) {
        hold(tile, b, input_row);
        const std::int64_t pairs = pass_.tiling.entries_of_pixel(tile.first_block + b);
        for (std::int64_t p = 0; p < tile.pixels; ++p) {
          const std::int64_t position = (tile.first_pixel + p) * input_.step;
          pixels_.push_back(
              {walk_.slot(b, input_row) * input_.row_bytes + position * input_.pixel_bytes, pairs});
        }
      }
    }
    const std::int64_t parts = kPickedChannels / input_.channel_block;
    for (std::int64_t s = 0; s < geometry_.kernel[1]; s += kMostSampledTaps) {
      for (std::int64_t i = parts_.first; i < parts_.last; i += parts) {
        for (std::int64_t j = i; j < i + parts; ++j) products(tile, rows.first, r, s, j);
        if (pass_.dw != nullptr) write(r, s, i / parts);
      }
    }
    return true;
  }

  void products(const SampledTilePlace& tile, std::int64_t first_row, std::int64_t r, std::int64_t s,
                std::int64_t i) {
    PickTile args;
    args.pixels = pixels_.data();
    args.pixel_count = static_cast<std::int64_t>(pixels_.size());
    args.x = walk_.part(i);
    args.channels = static_cast<int>(input_.channel_block);
    args.tap_count = static_cast<int>(std::min<std::int64_t>(kMostSampledTaps, geometry_.kernel[1] - s));
    for (int t = 0; t < args.tap_count; ++t)
      args.taps[t] = (s + t) * geometry_.dilation[1] * input_.pixel_bytes;
    args.tap_stride = pass_.sums.tap_floats();
    args.accumulate = walk_.started(r);
    const std::int64_t channel = i * input_.channel_block;
    const auto target = [&](std::int64_t rows) {
      return sums_of(r, s, channel / kPickedChannels, rows) +
             channel % kPickedChannels * pass_.sums.block_rows;
    };
    for (std::int64_t rows = first_rows_; rows < last_rows_; ++rows) {
      args.pairs = pass_.form.entries(tile, rows) + first_row * tile.row_entries * pass_.form.entry_bytes();
      args.sums = target(rows);
      args.next_sums = args.accumulate && rows + 1 < last_rows_ ? target(rows + 1) : nullptr;
      pass_.kernels.products(args);
    }
  }

  float* sums_of(std::int64_t r, std::int64_t s, std::int64_t block, std::int64_t rows) {
    if (pass_.dw != nullptr) return sums_ + pass_.sums.at(s % kMostSampledTaps, 0, rows);
    return sums_ + pass_.sums.at(r * geometry_.kernel[1] + s, block, rows);
  }

  /// Finished sums of kernel positions from `s` on.
  void write(std::int64_t r, std::int64_t s, std::int64_t block) {
    const std::int64_t end = std::min(geometry_.kernel[1], s + kMostSampledTaps);
    for (; s < end; ++s) {
      for (std::int64_t rows = first_rows_; rows < last_rows_; ++rows)
        write_block(pass_, sums_of(r, s, block, rows), r * geometry_.kernel[1] + s, block, rows, pass_.dw);
    }
  }

  /// A kernel row that no output sees but on padding.
  void clear(std::int64_t r) {
    const std::int64_t size = (last_rows_ - first_rows_) * pass_.sums.block_floats();
    const std::int64_t parts = kPickedChannels / input_.channel_block;
    for (std::int64_t s = 0; s < geometry_.kernel[1]; s += kMostSampledTaps) {
      for (std::int64_t i = parts_.first; i < parts_.last; i += parts) {
        for (std::int64_t t = s; t < std::min(geometry_.kernel[1], s + kMostSampledTaps); ++t)
          std::fill_n(sums_of(r, t, i / parts, first_rows_), size, 0.0f);
        if (pass_.dw != nullptr) write(r, s, i / parts);
      }
    }
  }

  const PickedPass& pass_;
  const Geometry& geometry_;
  const SampledInput& input_;
  float* sums_;
  std::int64_t first_rows_, last_rows_;  ///< blocks of output channels
  Range parts_;                          ///< input_.channel_block input channels each
  SampledWalk walk_;
  std::vector<PickedPixel> pixels_;
};

}  // namespace

void picked_weight_gradient(const GradientSplit& split, const Geometry& geometry, const SampledTiling& tiling,
                            const SampledForm& form, Pattern pattern, const Tensor& x, Tensor& dw) {
  const bool at_once = tiling.tiles.size() == 1;
  const PickedSums layout{at_once ? kMostSampledTaps : geometry.kernel[0] * geometry.kernel[1],
                          at_once ? 1 : ceil_div(geometry.in_channels, kPickedChannels), form.blocks(),
                          form.block_channels()};
  const PickedPass pass{
      geometry, tiling, form, tiling.picks->of(pattern), x, layout, at_once ? dw.data<float>() : nullptr};
  if (at_once) {
    split.run(nullptr, 0, [&](const GradientShare& share, float*) {
      Scratch sums(layout.floats());
      PickedWorker(pass, share, sums.data()).run();
    });
    return;
  }
  Scratch sums(layout.floats());
  split.run(sums.data(), layout.floats(),
            [&](const GradientShare& share, float* target) { PickedWorker(pass, share, target).run(); });
  parallel_for(layout.row_blocks * layout.taps, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t rows = i / layout.taps;
      const std::int64_t tap = i % layout.taps;
      for (std::int64_t block = 0; block < layout.blocks; ++block)
        write_block(pass, sums.data() + layout.at(tap, block, rows), tap, block, rows, dw.data<float>());
    }
  });
}

}  // namespace satsuma::cpu
