#include "src/cpu/weight_gradient.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/gradient_tile.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

namespace {

/// The kernels of one type of operands. Behind a pixel and channel they see `lanes` words: sixteen images in
/// f32, eight pairs of images in bf16.
struct Operands {
  std::int64_t lanes;
  int vector;
  int rows;
  int vectors;
  void (*gradient)(const GradientArgs&);
  void (*transpose)(const float* from, int channels, float* to, std::int64_t stride);
  /// Rounds rows of sixteen lanes, of which `valid` hold images; null where dy is read as it lies.
  void (*round_rows)(const float* from, std::int64_t rows, int valid, float* to);
};

Operands operands_of(DType type) {
  if (type == DType::bf16) {
    const Bf16Kernels& table = *bf16_kernels();
    return {kLanes / 2,          16,
            table.gradient_rows, table.gradient_vectors,
            table.gradient,      table.transpose_pairs,
            table.round_rows};
  }
  const Kernels& table = kernels();
  return {kLanes,          table.vector, table.gradient_rows, table.gradient_vectors, table.gradient,
          table.transpose, nullptr};
}

/// A half-open range of channels.
struct Range {
  std::int64_t first;
  std::int64_t last;

  std::int64_t size() const { return last - first; }
  /// The `i`-th of `parts` nearly equal ranges in this one, whose borders are multiples of `unit`.
  Range part(std::int64_t i, std::int64_t parts, std::int64_t unit = 1) const {
    const std::int64_t units = ceil_div(size(), unit);
    return {first + units * i / parts * unit, std::min(first + units * (i + 1) / parts * unit, last)};
  }
};

/// One thread's share of dw, a range of rows (output channels) and of input channels, over all images and
/// pixels: no sums are shared between threads, and their order depends on nothing but the shapes.
///
/// Per strip, some output rows of a block of images or small images of several blocks: x is transposed to
/// [channel block][block of images][input row][pixel][lanes][channel] (a ring of rows, so that each is
/// transposed once), dy is read as it lies or rounded to [pixel][row][lanes], and then for each tap register
/// tiles of dw run over all pixel pairs of the strip. Tiles of the same rows follow each other: they find
/// their dy in the first-level cache.
class GradientWorker {
 public:
  GradientWorker(const Geometry& geometry, const Operands& operands, const Tensor& x, const Tensor& dy,
                 Tensor& dw, Range rows, Range channels)
      : geometry_(geometry),
        operands_(operands),
        images_(x.dim(0)),
        height_(x.dim(2)),
        width_(x.dim(3)),
        out_height_(dy.dim(2)),
        out_width_(dy.dim(3)),
        x_(x.data<float>()),
        dy_(dy.data<float>()),
        dw_(dw.data<float>()),
        rows_(rows),
        channels_(channels),
        channel_block_(std::min<std::int64_t>(operands.vectors * operands.vector,
                                              ceil_div(channels.size(), operands.vector) * operands.vector)),
        channel_blocks_(ceil_div(channels.size(), channel_block_)),
        row_blocks_(ceil_div(rows.size(), operands.rows)),
        strips_(std::clamp<std::int64_t>(out_height_ * out_width_ / kStripPixels, 1, out_height_)),
        strip_blocks_(std::clamp<std::int64_t>(kStripPixels / (out_height_ * out_width_), 1,
                                               ceil_div(images_, kLanes))),
        ring_(std::min(height_, (ceil_div(out_height_, strips_) - 1) * geometry.stride[0] +
                                    (geometry.kernel[0] - 1) * geometry.dilation[0] + 1)),
        pixel_floats_(operands.lanes * channel_block_),
        block_floats_(strip_blocks_ * ring_ * width_ * pixel_floats_),
        transposed_(channel_blocks_ * block_floats_),
        dy_floats_(operands.round_rows ? rows.size() * operands.lanes : geometry.out_channels * kLanes),
        rounded_(operands.round_rows
                     ? strip_blocks_ * ceil_div(out_height_, strips_) * out_width_ * dy_floats_
                     : 0),
        tile_(operands.rows * channel_block_),
        held_(static_cast<std::size_t>(strip_blocks_ * ring_), -1) {
    for (std::int64_t column = 0; column < width_; ++column) {
      if (is_read(column)) columns_.push_back(column);
    }
  }

  void run() {
    const std::int64_t blocks = ceil_div(images_, kLanes);
    bool first = true;
    for (std::int64_t block = 0; block < blocks; block += strip_blocks_) {
      std::fill(held_.begin(), held_.end(), -1);
      for (std::int64_t i = 0; i < strips_; ++i) {
        strip({block, std::min(block + strip_blocks_, blocks)}, Range{0, out_height_}.part(i, strips_),
              first);
        first = false;
      }
    }
  }

 private:
  /// Pixels in a strip, about: enough sums per visit of a register tile to hide its loads and stores, as few
  /// as that takes for the second-level cache.
  static constexpr std::int64_t kStripPixels = 64;

  /// Where a row of the `block`-th block of the strip is in the ring.
  std::int64_t slot(std::int64_t block, std::int64_t row) const { return block * ring_ + row % ring_; }

  /// Whether a tap falls on the column for some pixel of dy.
  bool is_read(std::int64_t column) const {
    for (std::int64_t s = 0; s < geometry_.kernel[1]; ++s) {
      const std::int64_t at = column + geometry_.padding[1] - s * geometry_.dilation[1];
      if (at >= 0 && at % geometry_.stride[1] == 0 && at / geometry_.stride[1] < out_width_) return true;
    }
    return false;
  }

  int images_in(std::int64_t block) const {
    return static_cast<int>(std::min(kLanes, images_ - block * kLanes));
  }

  void hold(Range blocks, std::int64_t block, std::int64_t row) {
    const std::int64_t at = slot(block - blocks.first, row);
    if (held_[static_cast<std::size_t>(at)] == row) return;
    held_[static_cast<std::size_t>(at)] = row;
    const std::int64_t pixel = geometry_.in_channels * kLanes;
    const float* const from = x_ + (block * height_ + row) * width_ * pixel;
    for (std::int64_t b = 0; b < channel_blocks_; ++b) {
      const std::int64_t first = channels_.first + b * channel_block_;
      const auto count = static_cast<int>(std::min(channel_block_, channels_.last - first));
      float* const to = transposed_.data() + b * block_floats_ + at * width_ * pixel_floats_;
      for (const std::int64_t column : columns_)
        operands_.transpose(from + column * pixel + first * kLanes, count, to + column * pixel_floats_,
                            channel_block_);
    }
  }

  /// dy of a strip from its first pixel on: as it lies, or rounded. Pixels follow each other, also from block
  /// to block, since a strip of several blocks has all of their rows.
  const float* gradients(Range blocks, Range rows) {
    const std::int64_t pixel = geometry_.out_channels * kLanes;
    const float* from =
        dy_ + (blocks.first * out_height_ + rows.first) * out_width_ * pixel + rows_.first * kLanes;
    if (operands_.round_rows == nullptr) return from;
    float* to = rounded_.data();
    for (std::int64_t block = blocks.first; block < blocks.last; ++block) {
      for (std::int64_t p = 0; p < rows.size() * out_width_; ++p, from += pixel, to += dy_floats_)
        operands_.round_rows(from, rows_.size(), images_in(block), to);
    }
    return rounded_.data();
  }

  void strip(Range blocks, Range rows, bool first) {
    const auto [kernel_height, kernel_width] = geometry_.kernel;
    const float* const dy = gradients(blocks, rows);
    for (std::int64_t block = blocks.first; block < blocks.last; ++block) {
      for (std::int64_t p = rows.first; p < rows.last; ++p) {
        for (std::int64_t r = 0; r < kernel_height; ++r) {
          const std::int64_t row = input_row(p, r);
          if (row >= 0 && row < height_) hold(blocks, block, row);
        }
      }
    }
    for (std::int64_t r = 0; r < kernel_height; ++r) {
      for (std::int64_t s = 0; s < kernel_width; ++s) {
        pairs_.clear();
        for (std::int64_t block = blocks.first; block < blocks.last; ++block)
          add_pairs(blocks, block, rows, r, s);
        if (pairs_.empty() && !first) continue;
        products(dy, r * kernel_width + s, !first);
      }
    }
  }

  std::int64_t input_row(std::int64_t p, std::int64_t r) const {
    return p * geometry_.stride[0] - geometry_.padding[0] + r * geometry_.dilation[0];
  }

  /// Pixel pairs of one tap in one block.
  void add_pairs(Range blocks, std::int64_t block, Range rows, std::int64_t r, std::int64_t s) {
    const auto lanes = static_cast<std::int32_t>(ceil_div(images_in(block), kLanes / operands_.lanes));
    const std::int64_t first_row = (block - blocks.first) * rows.size();
    for (std::int64_t p = rows.first; p < rows.last; ++p) {
      const std::int64_t row = input_row(p, r);
      if (row < 0 || row >= height_) continue;
      for (std::int64_t q = 0; q < out_width_; ++q) {
        const std::int64_t column =
            q * geometry_.stride[1] - geometry_.padding[1] + s * geometry_.dilation[1];
        if (column < 0 || column >= width_) continue;
        pairs_.push_back({(slot(block - blocks.first, row) * width_ + column) * pixel_floats_,
                          ((first_row + p - rows.first) * out_width_ + q) * dy_floats_, lanes});
      }
    }
  }

  void products(const float* dy, std::int64_t tap, bool accumulate) {
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    const std::int64_t in_channels = geometry_.in_channels;
    const std::int64_t tiles = row_blocks_ * channel_blocks_;
    const auto rows_of = [&](std::int64_t tile) { return rows_.part(tile / channel_blocks_, row_blocks_); };
    const auto target = [&](std::int64_t tile) {
      const std::int64_t channel = channels_.first + tile % channel_blocks_ * channel_block_;
      return dw_ + (rows_of(tile).first * taps + tap) * in_channels + channel;
    };
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const Range rows = rows_of(tile);
      const std::int64_t block = tile % channel_blocks_;
      GradientArgs args;
      args.pairs = pairs_.data();
      args.pair_count = static_cast<std::int64_t>(pairs_.size());
      args.x = transposed_.data() + block * block_floats_;
      args.dy = dy + (rows.first - rows_.first) * operands_.lanes;
      args.rows = static_cast<int>(rows.size());
      args.channels = static_cast<int>(std::min(channel_block_, channels_.size() - block * channel_block_));
      args.x_stride = channel_block_;
      args.dw = target(tile);
      args.dw_stride = taps * in_channels;
      args.accumulate = accumulate;
      if (accumulate && tile + 1 < tiles) args.next_dw = target(tile + 1);
      if (args.channels % operands_.vector == 0 && in_channels % operands_.vector == 0) {
        operands_.gradient(args);
      } else {
        gradient_through_tile(operands_.gradient, args, tile_.data(), channel_block_);
      }
    }
  }

  const Geometry& geometry_;
  const Operands& operands_;
  std::int64_t images_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t out_height_;
  std::int64_t out_width_;
  const float* x_;
  const float* dy_;
  float* dw_;
  Range rows_;
  Range channels_;
  std::int64_t channel_block_;
  std::int64_t channel_blocks_;
  std::int64_t row_blocks_;
  std::int64_t strips_;        ///< of an image, equal shares of its rows
  std::int64_t strip_blocks_;  ///< blocks of images in a strip: several only where it has all rows
  std::int64_t ring_;          ///< input rows of a block that are held at a time
  std::int64_t pixel_floats_;
  std::int64_t block_floats_;
  Scratch transposed_;
  std::int64_t dy_floats_;  ///< between pixels of dy
  Scratch rounded_;
  Scratch tile_;
  std::vector<std::int64_t> columns_;  ///< of x that are read
  std::vector<std::int64_t> held_;
  std::vector<PixelPair> pairs_;
};

}  // namespace

void weight_gradient_tiles(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const Geometry& geometry = plan.geometry;
  const Operands operands = operands_of(plan.operands);
  // Whoever has a share of the input channels transposes only those, so these are split first, as far as
  // whole register tiles go.
  const Range rows{0, geometry.out_channels};
  const Range channels{0, geometry.in_channels};
  const std::int64_t tile = operands.vectors * operands.vector;
  std::int64_t channel_parts = std::clamp<std::int64_t>(channels.last / tile, 1, threads());
  while (threads() % channel_parts != 0) --channel_parts;
  const std::int64_t row_parts =
      std::clamp<std::int64_t>(threads() / channel_parts, 1, ceil_div(rows.last, operands.rows / 2));
  parallel_for(channel_parts * row_parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      GradientWorker(geometry, operands, x, dy, dw, rows.part(i / channel_parts, row_parts),
                     channels.part(i % channel_parts, channel_parts, tile))
          .run();
    }
  });
}

void bias_gradient(const Tensor& dy, Tensor& dbias) {
  if (is_channels_last(dy)) return bias_gradient_channels_last(dy, dbias);
  const std::int64_t images = dy.dim(0);
  const std::int64_t channels = dy.dim(1);
  const std::int64_t pixels = dy.dim(2) * dy.dim(3);
  const float* const from = dy.data<float>();
  float* const to = dbias.data<float>();
  parallel_for(channels, 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(end - begin));
    for (std::int64_t block = 0; block < ceil_div(images, kLanes); ++block) {
      const std::int64_t lanes = std::min(kLanes, images - block * kLanes);
      for (std::int64_t p = 0; p < pixels; ++p) {
        const float* const pixel = from + (block * pixels + p) * channels * kLanes;
        for (std::int64_t k = begin; k < end; ++k) {
          float sum = 0;
          for (std::int64_t n = 0; n < lanes; ++n) sum += pixel[k * kLanes + n];
          sums[static_cast<std::size_t>(k - begin)] += static_cast<double>(sum);
        }
      }
    }
    for (std::int64_t k = begin; k < end; ++k)
      to[k] = static_cast<float>(sums[static_cast<std::size_t>(k - begin)]);
  });
}

}  // namespace satsuma::cpu
