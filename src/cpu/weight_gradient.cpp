#include "src/cpu/weight_gradient.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/gradient_split.hpp"
#include "src/cpu/gradient_tile.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/passes.hpp"
#include "src/cpu/scratch.hpp"
#include "src/cpu/tuning.hpp"
#include "src/cpu/unfold.hpp"

namespace satsuma::cpu {

namespace {

/// The kernels of one type of operands. Behind a pixel and channel they see `lanes` words: sixteen images in
/// f32, eight pairs of images in bf16, and for AMX those of two blocks, a unit.
struct Operands {
  std::int64_t lanes;
  std::int64_t unit_blocks;
  std::int64_t row_unit;  ///< rows are padded to a multiple of it
  int vector;
  int rows;
  int vectors;
  void (*gradient)(const GradientArgs&);
  void (*transpose)(const float* from, int channels, float* to, std::int64_t stride);
  /// Rounds rows of sixteen lanes, of which `valid` hold images; null where dy is read as it lies.
  void (*round_rows)(const float* from, std::int64_t rows, int valid, float* to, std::int64_t stride);
  /// Pixels in a strip, about: enough sums per visit of a register tile to hide its loads and stores, as few
  /// as that takes for the second-level cache.
  std::int64_t strip_pixels;
  const AmxKernels* amx;  ///< null for kernels of vectors

  std::int64_t unit_images() const { return unit_blocks * kLanes; }
  std::int64_t block_lanes() const { return lanes / unit_blocks; }
};

constexpr std::int64_t kStripPixels = 64;

Operands operands_of_amx(const AmxKernels& kernels) {
  const AmxForms& forms = amx_forms();
  return {.lanes = kLanes,
          .unit_blocks = 2,
          .row_unit = kAmxRows,
          .vector = 16,
          .rows = kAmxGradientRows,
          .vectors = kAmxGradientVectors,
          .gradient = kernels.gradient,
          .transpose = forms.transpose_pairs,
          .round_rows = forms.round_rows,
          .strip_pixels = kStripPixels / 2,
          .amx = &kernels};
}

Operands operands_of(DType type) {
  if (type == DType::bf16) {
    const Bf16Kernels& table = *bf16_kernels();
    return {.lanes = kLanes / 2,
            .unit_blocks = 1,
            .row_unit = 1,
            .vector = 16,
            .rows = table.gradient_rows,
            .vectors = table.gradient_vectors,
            .gradient = table.gradient,
            .transpose = table.transpose_pairs,
            .round_rows = table.round_rows,
            .strip_pixels = kStripPixels,
            .amx = nullptr};
  }
  const Kernels& table = kernels();
  return {.lanes = kLanes,
          .unit_blocks = 1,
          .row_unit = 1,
          .vector = table.vector,
          .rows = table.gradient_rows,
          .vectors = table.gradient_vectors,
          .gradient = table.gradient,
          .transpose = table.transpose,
          .round_rows = nullptr,
          .strip_pixels = kStripPixels,
          .amx = nullptr};
}

/// Height and width of x and dy. A product of pixels with themselves has one a line, so that threads can
/// share the tokens of a linear layer.
struct Extents {
  std::int64_t height, width, out_height, out_width;

  Extents(const Geometry& g, const Shape& x, const Shape& dy)
      : height(x[2]), width(x[3]), out_height(dy[2]), out_width(dy[3]) {
    constexpr Pair kOne = {1, 1};
    if (g.kernel != kOne || g.stride != kOne || g.padding != Pair{0, 0}) return;
    height = out_height = height * width;
    width = out_width = 1;
  }
};

/// One thread's share: a range of rows (output channels) and of input channels, over a range of lines, which
/// are the output rows of the first unit of images, then of the second and so on. A unit is a block of
/// sixteen images, or for AMX two of them.
///
/// Per strip, some output rows of a unit of images or small images of several units: x is transposed to
/// [channel block][unit of images][input row][pixel][lanes][channel] (a ring of rows, so that each is
/// transposed once), dy is read as it lies or rounded to [pixel][row][lanes], and then for each tap register
/// tiles of dw run over all pixel pairs of the strip. Tiles of the same rows follow each other: they find
/// their dy in the first-level cache.
class GradientWorker {
 public:
  GradientWorker(const Geometry& geometry, const Extents& extents, const Operands& operands, const Tensor& x,
                 const Tensor& dy, const GradientShare& share, float* dw)
      : geometry_(geometry),
        operands_(operands),
        images_(x.dim(0)),
        height_(extents.height),
        width_(extents.width),
        out_height_(extents.out_height),
        out_width_(extents.out_width),
        x_(x.data<float>()),
        dy_(dy.data<float>()),
        dw_(dw),
        rows_(share.rows),
        channels_(share.channels),
        lines_(share.steps),
        channel_block_(std::min<std::int64_t>(operands.vectors * operands.vector,
                                              ceil_div(channels_.size(), operands.vector) * operands.vector)),
        channel_blocks_(ceil_div(channels_.size(), channel_block_)),
        row_blocks_(ceil_div(rows_.size(), operands.rows)),
        strips_(std::clamp<std::int64_t>(out_height_ * out_width_ / operands.strip_pixels, 1, out_height_)),
        strip_units_(std::clamp<std::int64_t>(operands.strip_pixels / (out_height_ * out_width_), 1,
                                              ceil_div(images_, operands.unit_images()))),
        strip_rows_(ceil_div(out_height_, strips_)),
        ring_(std::min(height_, (strip_rows_ - 1) * geometry.stride[0] +
                                    (geometry.kernel[0] - 1) * geometry.dilation[0] + 1)),
        pixel_floats_(operands.lanes * channel_block_),
        block_floats_(strip_units_ * ring_ * width_ * pixel_floats_),
        transposed_(channel_blocks_ * block_floats_),
        dy_floats_(operands.round_rows
                       ? ceil_div(rows_.size(), operands.row_unit) * operands.row_unit * operands.lanes
                       : geometry.out_channels * kLanes),
        rounded_(operands.round_rows ? strip_units_ * strip_rows_ * out_width_ * dy_floats_ : 0),
        tile_(operands.rows * channel_block_),
        held_(static_cast<std::size_t>(strip_units_ * ring_), -1) {
    for (std::int64_t column = 0; column < width_; ++column) {
      if (is_read(column)) columns_.push_back(column);
    }
  }

  void run() {
    for (std::int64_t line = lines_.first; line < lines_.last;) {
      std::fill(held_.begin(), held_.end(), -1);
      const std::int64_t unit = line / out_height_;
      const std::int64_t whole = line % out_height_ == 0 ? (lines_.last - line) / out_height_ : 0;
      if (whole > 0) {
        const std::int64_t units = std::min(strip_units_, whole);
        strips({unit, unit + units}, {0, out_height_}, strips_);
        line += units * out_height_;
      } else {
        const Range rows{line % out_height_, std::min(out_height_, line % out_height_ + lines_.last - line)};
        strips({unit, unit + 1}, rows, ceil_div(rows.size(), strip_rows_));
        line += rows.size();
      }
    }
  }

 private:
  /// Where a row of the `unit`-th unit of the strip is in the ring.
  std::int64_t slot(std::int64_t unit, std::int64_t row) const { return unit * ring_ + row % ring_; }

  /// Whether a tap falls on the column for some pixel of dy.
  bool is_read(std::int64_t column) const {
    for (std::int64_t s = 0; s < geometry_.kernel[1]; ++s) {
      const std::int64_t at = column + geometry_.padding[1] - s * geometry_.dilation[1];
      if (at >= 0 && at % geometry_.stride[1] == 0 && at / geometry_.stride[1] < out_width_) return true;
    }
    return false;
  }

  /// At most sixteen; none in a block behind the last one.
  int images_in(std::int64_t block) const {
    return static_cast<int>(std::clamp<std::int64_t>(images_ - block * kLanes, 0, kLanes));
  }

  void hold(Range units, std::int64_t unit, std::int64_t row) {
    const std::int64_t at = slot(unit - units.first, row);
    if (held_[static_cast<std::size_t>(at)] == row) return;
    held_[static_cast<std::size_t>(at)] = row;
    for (std::int64_t i = 0; i < operands_.unit_blocks; ++i)
      hold_block(unit * operands_.unit_blocks + i, row,
                 at * width_ * pixel_floats_ + i * operands_.block_lanes() * channel_block_);
  }

  /// The part of a row that one block of images has, `offset` floats behind the start of the ring.
  void hold_block(std::int64_t block, std::int64_t row, std::int64_t offset) {
    const std::int64_t pixel = geometry_.in_channels * kLanes;
    const float* const from = x_ + (block * height_ + row) * width_ * pixel;
    for (std::int64_t b = 0; b < channel_blocks_; ++b) {
      const std::int64_t first = channels_.first + b * channel_block_;
      const auto count = static_cast<int>(std::min(channel_block_, channels_.last - first));
      float* const to = transposed_.data() + b * block_floats_ + offset;
      for (const std::int64_t column : columns_) {
        float* const to_pixel = to + column * pixel_floats_;
        if (images_in(block) > 0) {
          operands_.transpose(from + column * pixel + first * kLanes, count, to_pixel, channel_block_);
        } else {
          std::fill_n(to_pixel, operands_.block_lanes() * channel_block_, 0.0f);
        }
      }
    }
  }

  /// dy of a strip from its first pixel on: as it lies, or rounded. Pixels follow each other, also from unit
  /// to unit, since a strip of several units has all of their rows.
  const float* gradients(Range units, Range rows) {
    const std::int64_t pixel = geometry_.out_channels * kLanes;
    const auto row_of = [&](std::int64_t block) {
      return dy_ + (block * out_height_ + rows.first) * out_width_ * pixel + rows_.first * kLanes;
    };
    if (operands_.round_rows == nullptr) return row_of(units.first);
    const std::int64_t pixels = rows.size() * out_width_;
    for (std::int64_t unit = units.first; unit < units.last; ++unit) {
      for (std::int64_t i = 0; i < operands_.unit_blocks; ++i) {
        // A block that is not there gets zeros, whatever they are read from.
        const std::int64_t block = unit * operands_.unit_blocks + i;
        const float* from = row_of(images_in(block) > 0 ? block : unit * operands_.unit_blocks);
        float* to =
            rounded_.data() + (unit - units.first) * pixels * dy_floats_ + i * operands_.block_lanes();
        for (std::int64_t p = 0; p < pixels; ++p, from += pixel, to += dy_floats_)
          operands_.round_rows(from, rows_.size(), images_in(block), to, operands_.lanes);
      }
    }
    return rounded_.data();
  }

  void strips(Range units, Range rows, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) strip(units, rows.part(i, count));
  }

  void strip(Range units, Range rows) {
    const auto [kernel_height, kernel_width] = geometry_.kernel;
    const float* const dy = gradients(units, rows);
    for (std::int64_t unit = units.first; unit < units.last; ++unit) {
      for (std::int64_t p = rows.first; p < rows.last; ++p) {
        for (std::int64_t r = 0; r < kernel_height; ++r) {
          const std::int64_t row = input_row(p, r);
          if (row >= 0 && row < height_) hold(units, unit, row);
        }
      }
    }
    for (std::int64_t r = 0; r < kernel_height; ++r) {
      for (std::int64_t s = 0; s < kernel_width; ++s) {
        pairs_.clear();
        for (std::int64_t unit = units.first; unit < units.last; ++unit) add_pairs(units, unit, rows, r, s);
        if (pairs_.empty() && !first_) continue;
        products(dy, r * kernel_width + s, !first_);
      }
    }
    first_ = false;
  }

  std::int64_t input_row(std::int64_t p, std::int64_t r) const {
    return p * geometry_.stride[0] - geometry_.padding[0] + r * geometry_.dilation[0];
  }

  /// Pixel pairs of one tap in one unit.
  void add_pairs(Range units, std::int64_t unit, Range rows, std::int64_t r, std::int64_t s) {
    const std::int64_t images = std::min(operands_.unit_images(), images_ - unit * operands_.unit_images());
    const auto lanes = static_cast<std::int32_t>(ceil_div(images, operands_.unit_images() / operands_.lanes));
    const std::int64_t first_row = (unit - units.first) * rows.size();
    for (std::int64_t p = rows.first; p < rows.last; ++p) {
      const std::int64_t row = input_row(p, r);
      if (row < 0 || row >= height_) continue;
      for (std::int64_t q = 0; q < out_width_; ++q) {
        const std::int64_t column =
            q * geometry_.stride[1] - geometry_.padding[1] + s * geometry_.dilation[1];
        if (column < 0 || column >= width_) continue;
        pairs_.push_back({(slot(unit - units.first, row) * width_ + column) * pixel_floats_,
                          ((first_row + p - rows.first) * out_width_ + q) * dy_floats_, lanes});
      }
    }
  }

  void products(const float* dy, std::int64_t tap, bool accumulate) {
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    const std::int64_t in_channels = geometry_.in_channels;
    const std::int64_t tiles = row_blocks_ * channel_blocks_;
    const auto rows_of = [&](std::int64_t tile) {
      return rows_.part(tile / channel_blocks_, row_blocks_, operands_.row_unit);
    };
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
      if (args.channels % operands_.vector == 0 && in_channels % operands_.vector == 0 &&
          args.rows % operands_.row_unit == 0) {
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
  Range lines_;
  std::int64_t channel_block_;
  std::int64_t channel_blocks_;
  std::int64_t row_blocks_;
  std::int64_t strips_;       ///< of an image, equal shares of its rows
  std::int64_t strip_units_;  ///< units of images in a strip: several only where it has all rows
  std::int64_t strip_rows_;   ///< most output rows of a unit in a strip
  std::int64_t ring_;         ///< input rows of a unit that are held at a time
  std::int64_t pixel_floats_;
  std::int64_t block_floats_;
  Scratch transposed_;
  std::int64_t dy_floats_;  ///< between pixels of dy
  Scratch rounded_;
  Scratch tile_;
  std::vector<std::int64_t> columns_;  ///< of x that are read
  std::vector<std::int64_t> held_;
  std::vector<PixelPair> pairs_;
  bool first_ = true;  ///< nothing has been written to dw
};

/// The products of each line of dy, for one output channel and one input channel.
std::vector<std::int64_t> line_products(const Geometry& g, const Extents& extents, std::int64_t images,
                                        std::int64_t unit) {
  const auto taps_of = [&](std::size_t axis, std::int64_t at, std::int64_t inputs) {
    std::int64_t taps = 0;
    for (std::int64_t tap = 0; tap < g.kernel[axis]; ++tap) {
      const std::int64_t input = at * g.stride[axis] - g.padding[axis] + tap * g.dilation[axis];
      if (input >= 0 && input < inputs) ++taps;
    }
    return taps;
  };
  std::int64_t columns = 0;
  for (std::int64_t q = 0; q < extents.out_width; ++q) columns += taps_of(1, q, extents.width);
  std::vector<std::int64_t> lines;
  for (std::int64_t first = 0; first < images; first += unit) {
    const std::int64_t lanes = std::min(unit, images - first);
    for (std::int64_t p = 0; p < extents.out_height; ++p)
      lines.push_back(lanes * columns * taps_of(0, p, extents.height));
  }
  return lines;
}

GradientWork work_of(const Geometry& geometry, const Extents& extents, const Operands& operands,
                     std::int64_t images, bool one_sum) {
  GradientWork work;
  work.rows = geometry.out_channels;
  // As few as hide the latency of their sums, and whole tiles.
  work.row_unit = std::max<std::int64_t>(2, operands.row_unit);
  work.channels = geometry.in_channels;
  work.channel_unit = operands.vectors * operands.vector;
  work.taps = geometry.kernel[0] * geometry.kernel[1];
  work.steps = line_products(geometry, extents, images, operands.unit_images());
  // Only rows and columns that some tap reads are transposed.
  work.inputs = images * std::min(extents.height, extents.out_height * geometry.kernel[0]) *
                std::min(extents.width, extents.out_width * geometry.kernel[1]);
  work.one_sum = one_sum;
  return work;
}

void weight_gradient_of(const Operands& operands, const Geometry& geometry, const Tensor& x, const Tensor& dy,
                        Tensor& dw, const GradientOrder& order) {
  const Extents extents(geometry, x.shape(), dy.shape());
  const GradientSplit split(work_of(geometry, extents, operands, x.dim(0), order.one_sum), threads());
  split.run(dw.data<float>(), dw.numel(), [&](const GradientShare& share, float* target) {
    const AmxScope scope(operands.amx);
    GradientWorker(geometry, extents, operands, x, dy, share, target).run();
  });
}

}  // namespace

void weight_gradient_tiles(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw,
                           const GradientOrder& order) {
  weight_gradient_of(operands_of(plan.operands), plan.geometry, x, dy, dw, order);
}

void weight_gradient_amx(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw,
                         const AmxKernels& kernels) {
  weight_gradient_of(operands_of_amx(kernels), plan.geometry, x, dy, dw, {});
}

std::vector<std::int64_t> weight_gradient_shares(const LayerPlan& plan, const Shape& x,
                                                 std::int64_t threads) {
  const Geometry& geometry = plan.geometry;
  const Shape y = geometry.output_shape("conv2d", x);
  if (worth_unfolding(geometry)) {
    const Geometry one = unfolded(geometry);
    return weight_gradient_shares({one, plan.operands}, {x[0], one.in_channels, y[2], y[3]}, threads);
  }
  const Operands operands = multiplies_by_amx(plan, {})
                                ? operands_of_amx(*amx_kernels())
                                : operands_of(multiplied(plan.operands, ProductKind::dense));
  const GradientWork work = work_of(geometry, Extents(geometry, x, y), operands, x[0], false);
  return GradientSplit(work, threads).products(work);
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
