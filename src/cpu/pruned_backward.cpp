#include "src/cpu/pruned_backward.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/pruned.hpp"
#include "src/cpu/pruned_form.hpp"
#include "src/cpu/scratch.hpp"
#include "src/cpu/shares.hpp"
#include "src/cpu/tuning.hpp"

namespace satsuma::cpu {

namespace {

/// What stays in the first-level cache beside the streams of kept values and sums: rows of weights, each some
/// input channels of one output channel and kernel position. Half of 48 KiB, three quarters of 32.
constexpr std::int64_t kWeightBytes = 24 << 10;
/// Pixels of dx that such a part of the weights is used for.
constexpr std::int64_t kStripPixels = 32;
/// Multiply-adds that clearing, transposing and writing an element of dx takes the time of.
constexpr std::int64_t kOutputWork = 8;

/// How the channels are cut.
struct PrunedCut {
  std::int64_t in_block;   ///< input channels side by side, padded to whole vectors
  std::int64_t out_block;  ///< output channels whose weights are in the cache
  std::int64_t taps;       ///< kernel positions whose weights are, too
  bool halves;             ///< weights are bf16, in planes of kWideLanes input channels

  PrunedCut(const Geometry& geometry, Pattern pattern, DType operands) : halves(operands == DType::bf16) {
    const PrunedKernels& kernel = pruned_kernels(operands);
    in_block = std::min<std::int64_t>(kernel.vectors * kernel.vector,
                                      ceil_div(geometry.in_channels, kernel.vector) * kernel.vector);
    const std::int64_t rows = kWeightBytes / (in_block * (halves ? 2 : 4));
    const std::int64_t unit = pruned_unit(pattern);
    const std::int64_t units = ceil_div(geometry.out_channels, unit);
    const std::int64_t blocks = std::min(units, ceil_div(units * unit, rows));
    out_block = ceil_div(units, blocks) * unit;
    taps = std::max<std::int64_t>(1, rows / out_block);
  }

  /// Between the rows of neighbouring output channels.
  std::int64_t row_bytes() const {
    return (halves ? kWideLanes / 2 : in_block) * static_cast<std::int64_t>(sizeof(float));
  }
};

/// A weight as [block of input channels][tap][output channel][input channel], padded with zeros.
Scratch pack(const Tensor& w, std::int64_t in_block) {
  const std::int64_t out = w.dim(0);
  const std::int64_t in = w.dim(1);
  const std::int64_t taps = w.dim(2) * w.dim(3);
  const std::int64_t blocks = ceil_div(in, in_block);
  Scratch packed(blocks * taps * out * in_block);
  const float* const from = w.data<float>();
  parallel_for(blocks * taps, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i / taps * in_block;
      const std::int64_t count = std::min(in_block, in - first);
      float* to = packed.data() + i * out * in_block;
      for (std::int64_t k = 0; k < out; ++k, to += in_block) {
        std::copy_n(from + (k * taps + i % taps) * in + first, count, to);
        std::fill(to + count, to + in_block, 0.0f);
      }
    }
  });
  return packed;
}

/// The same as PrunedTile has it in bf16: [block of input channels][tap][plane][output channel].
Scratch pack_halves(const Tensor& w, std::int64_t in_block) {
  const std::int64_t out = w.dim(0);
  const std::int64_t in = w.dim(1);
  const std::int64_t taps = w.dim(2) * w.dim(3);
  const std::int64_t planes = in_block / kWideLanes;
  const std::int64_t blocks = ceil_div(in, in_block);
  Scratch packed(blocks * taps * out * in_block / 2);
  const float* const from = w.data<float>();
  parallel_for(blocks * taps * planes, 1, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float row[kWideLanes];
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t tap = i / planes % taps;
      const std::int64_t first = i / planes / taps * in_block + i % planes * kWideLanes;
      const std::int64_t count = std::clamp<std::int64_t>(in - first, 0, kWideLanes);
      float* to = packed.data() + i * out * kWideLanes / 2;
      for (std::int64_t k = 0; k < out; ++k, to += kWideLanes / 2) {
        std::copy_n(from + (k * taps + tap) * in + first, count, row);
        std::fill(row + count, row + kWideLanes, 0.0f);
        bf16_kernels()->pack_wide(row, row + kLanes, 1, to);
      }
    }
  });
  return packed;
}

/// The output that dx at `image` reads under a tap, along one axis; -1 for none.
std::int64_t source(const Geometry& g, std::size_t axis, std::int64_t outputs, std::int64_t image,
                    std::int64_t tap) {
  const std::int64_t scaled = image + g.padding[axis] - tap * g.dilation[axis];
  const bool hit = scaled >= 0 && scaled % g.stride[axis] == 0 && scaled / g.stride[axis] < outputs;
  return hit ? scaled / g.stride[axis] : -1;
}

/// For each image coordinate how many taps have a source.
std::vector<std::int64_t> sources(const Geometry& g, std::size_t axis, std::int64_t outputs,
                                  std::int64_t images) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(images));
  for (std::int64_t image = 0; image < images; ++image) {
    for (std::int64_t tap = 0; tap < g.kernel[axis]; ++tap) {
      if (source(g, axis, outputs, image, tap) >= 0) ++result[static_cast<std::size_t>(image)];
    }
  }
  return result;
}

bool has_pair_products(const LayerPlan& plan) {
  return multiplied(plan.operands, ProductKind::skipping) == DType::bf16;
}

/// Some rows of a block of images by a block of input channels.
struct Strip {
  std::int64_t block;
  std::int64_t first_row;
  std::int64_t pixels;
  std::int64_t in_block;
};

/// All strips of dx, which are laid end to end for threads to share their pixels.
struct PrunedStrips {
  std::int64_t images, height, width;
  std::int64_t rows;  ///< in a strip
  std::int64_t strips;
  std::int64_t in_blocks;
  std::vector<std::int64_t> row_taps;  ///< that have a source, for each row and each column of dx
  std::vector<std::int64_t> column_taps;

  PrunedStrips(const Geometry& geometry, const PrunedCut& cut, const Shape& dy, const Shape& dx)
      : images(dx[0]),
        height(dx[2]),
        width(dx[3]),
        rows(std::clamp<std::int64_t>(kStripPixels / width, 1, height)),
        strips(ceil_div(height, rows)),
        in_blocks(ceil_div(geometry.in_channels, cut.in_block)),
        row_taps(sources(geometry, 0, dy[2], height)),
        column_taps(sources(geometry, 1, dy[3], width)) {}

  std::int64_t pieces() const { return ceil_div(images, kLanes) * strips * in_blocks; }

  Strip strip(std::int64_t piece) const {
    const std::int64_t first_row = piece / in_blocks % strips * rows;
    return {piece / in_blocks / strips, first_row, std::min(rows, height - first_row) * width,
            piece % in_blocks};
  }

  std::int64_t taps(std::int64_t row, std::int64_t column) const {
    return row_taps[static_cast<std::size_t>(row)] * column_taps[static_cast<std::size_t>(column)];
  }

  /// Multiply-adds of pixels [begin, end) of a strip, for one input channel and as if dense.
  std::int64_t products(const Geometry& geometry, const Strip& at, std::int64_t begin,
                        std::int64_t end) const {
    std::int64_t sum = 0;
    for (std::int64_t pixel = begin; pixel < end; ++pixel)
      sum += taps(at.first_row + pixel / width, pixel % width);
    return sum * std::min(kLanes, images - at.block * kLanes) * geometry.out_channels;
  }

  /// Shares of the pixels of all strips: each pixel is a piece, for some have more taps than others.
  std::vector<Share> shares(const Geometry& geometry, const PrunedCut& cut, std::int64_t threads) const {
    std::vector<Piece> line;
    std::int64_t work = 0;
    for (std::int64_t i = 0; i < pieces(); ++i) {
      const Strip at = strip(i);
      for (std::int64_t pixel = 0; pixel < at.pixels; ++pixel) {
        const std::int64_t all = products(geometry, at, pixel, pixel + 1) + kLanes * kOutputWork;
        line.push_back({all * cut.in_block, 1});
        work += line.back().work;
      }
    }
    return equal_shares(line, useful_threads(work, threads));
  }

  /// Calls `body(strip, begin, end)` for pixels [begin, end) of each strip in a share.
  template <typename Body>
  void for_each(const Share& share, Body&& body) const {
    std::int64_t before = 0;
    for (std::int64_t i = 0; i < pieces(); ++i) {
      const Strip at = strip(i);
      const std::int64_t begin = std::max<std::int64_t>(share.first.piece - before, 0);
      const std::int64_t end = std::min(share.last.piece - before, at.pixels);
      if (begin < end) body(at, begin, end);
      before += at.pixels;
    }
  }
};

/// Sums of a strip are collected in [pixel][image][channel], and in the end transposed to where they belong.
class PrunedWorker {
 public:
  PrunedWorker(const Geometry& geometry, const PrunedCut& cut, const PrunedStrips& strips,
               const PrunedForm& form, const float* weights, const Tensor& dy, Tensor& dx)
      : geometry_(geometry),
        cut_(cut),
        strips_(strips),
        form_(form),
        kernel_(pruned_kernels(cut.halves ? DType::bf16 : DType::f32)),
        weights_(weights),
        dy_(dy),
        dx_(dx),
        height_(strips.height),
        width_(strips.width),
        pixel_floats_(kLanes * cut.in_block),
        sums_(strips.rows * width_ * pixel_floats_) {}

  void run(const Share& share) {
    strips_.for_each(
        share, [&](const Strip& strip, std::int64_t begin, std::int64_t end) { piece(strip, begin, end); });
  }

 private:
  struct Pixel {
    std::int64_t row, column;
    float* sums;  ///< null where no tap reads dy: under strides wider than the kernel most pixels have none
  };

  /// Pixels [begin, end) of a strip.
  void piece(const Strip& strip, std::int64_t begin, std::int64_t end) {
    in_block_ = strip.in_block;
    block_ = strip.block;
    images_ = std::min(kLanes, dx_.dim(0) - block_ * kLanes);
    pixels_.clear();
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = strip.first_row + i / width_;
      float* const sums = strips_.taps(row, i % width_) > 0 ? sums_.data() + i * pixel_floats_ : nullptr;
      if (sums != nullptr) std::fill_n(sums, pixel_floats_, 0.0f);
      pixels_.push_back({row, i % width_, sums});
    }
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    for (std::int64_t out_block = 0; out_block < form_.blocks(); ++out_block) {
      for (std::int64_t tap = 0; tap < taps; tap += cut_.taps)
        products(out_block, tap, std::min(tap + cut_.taps, taps));
    }
    write();
  }

  /// All pixels of the strip under some taps.
  void products(std::int64_t out_block, std::int64_t first_tap, std::int64_t last_tap) {
    PrunedTile tile;
    tile.per_image = form_.per_image(out_block);
    tile.images = static_cast<int>(images_);
    tile.vectors = static_cast<int>(cut_.in_block / kernel_.vector);
    tile.plane_bytes = geometry_.out_channels * cut_.row_bytes();
    for (const auto& [row, column, sums] : pixels_) {
      if (sums == nullptr) continue;
      entries_.clear();
      rows_of_weights_.clear();
      for (std::int64_t tap = first_tap; tap < last_tap; ++tap) {
        const std::int64_t p = source(geometry_, 0, dy_.dim(2), row, tap / geometry_.kernel[1]);
        const std::int64_t q = source(geometry_, 1, dy_.dim(3), column, tap % geometry_.kernel[1]);
        if (p < 0 || q < 0) continue;
        entries_.push_back(form_.items((block_ * dy_.dim(2) + p) * dy_.dim(3) + q, out_block));
        rows_of_weights_.push_back(weights_row(tap, out_block * cut_.out_block));
      }
      if (entries_.empty()) continue;
      tile.tap_count = static_cast<int>(entries_.size());
      tile.entries = entries_.data();
      tile.weights = rows_of_weights_.data();
      tile.sums = sums;
      kernel_.products(tile);
    }
  }

  const char* weights_row(std::int64_t tap, std::int64_t channel) const {
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    const std::int64_t planes = cut_.halves ? cut_.in_block / kWideLanes : 1;
    const std::int64_t row = (in_block_ * taps + tap) * planes * geometry_.out_channels + channel;
    return reinterpret_cast<const char*>(weights_) + row * cut_.row_bytes();
  }

  void write() {
    const std::int64_t first = in_block_ * cut_.in_block;
    const std::int64_t count = std::min(cut_.in_block, geometry_.in_channels - first);
    for (const auto& [row, column, sums] : pixels_) {
      if (is_channels_last(dx_)) {
        write_rows(sums, row, column, first, count);
      } else {
        const std::int64_t pixel = (block_ * height_ + row) * width_ + column;
        float* const to = dx_.data<float>() + (pixel * geometry_.in_channels + first) * kLanes;
        write_lanes(sums, count, to);
      }
    }
  }

  /// Sums of a pixel of channels-last images; zeros for null, as below.
  void write_rows(const float* from, std::int64_t row, std::int64_t column, std::int64_t first,
                  std::int64_t count) {
    for (std::int64_t image = 0; image < images_; ++image) {
      const std::int64_t pixel = ((block_ * kLanes + image) * height_ + row) * width_ + column;
      float* const to = dx_.data<float>() + pixel * geometry_.in_channels + first;
      if (from == nullptr) {
        std::fill_n(to, count, 0.0f);
      } else {
        std::copy_n(from + image * cut_.in_block, count, to);
      }
    }
  }

  void write_lanes(const float* from, std::int64_t count, float* to) const {
    if (from == nullptr) {
      std::fill_n(to, count * kLanes, 0.0f);
      return;
    }
    std::int64_t c = 0;
    for (; c + kLanes <= count; c += kLanes)
      kernels().transpose_square(from + c, cut_.in_block, to + c * kLanes, kLanes);
    for (; c < count; ++c) {
      for (std::int64_t image = 0; image < kLanes; ++image)
        to[c * kLanes + image] = from[image * cut_.in_block + c];
    }
  }

  const Geometry& geometry_;
  const PrunedCut& cut_;
  const PrunedStrips& strips_;
  const PrunedForm& form_;
  const PrunedKernels& kernel_;
  const float* weights_;
  const Tensor& dy_;
  Tensor& dx_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t pixel_floats_;
  Scratch sums_;
  std::int64_t in_block_ = 0;
  std::int64_t block_ = 0;
  std::int64_t images_ = 0;
  std::vector<Pixel> pixels_;
  std::vector<const void*> entries_;
  std::vector<const char*> rows_of_weights_;
};

}  // namespace

void pruned_backward_data(const LayerPlan& plan, const Tensor& dy, Pattern pattern, const Tensor& w,
                          Tensor& dx) {
  const Geometry& geometry = plan.geometry;
  const Tensor gradient = dy.to(MemoryFormat::batch_blocked);
  const bool has_products = has_pair_products(plan);
  const PrunedCut cut(geometry, pattern, has_products ? DType::bf16 : DType::f32);
  const PrunedForm form(gradient, pattern, cut.out_block, cut.row_bytes(), plan.operands, has_products);
  Scratch weights =
      has_products ? pack_halves(w, cut.in_block) : pack(rounded(w, plan.operands), cut.in_block);
  const PrunedStrips strips(geometry, cut, dy.shape(), dx.shape());
  const std::vector<Share> shares = strips.shares(geometry, cut, threads());
  parallel_for(static_cast<std::int64_t>(shares.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    PrunedWorker worker(geometry, cut, strips, form, weights.data(), gradient, dx);
    for (std::int64_t i = begin; i < end; ++i) worker.run(shares[static_cast<std::size_t>(i)]);
  });
}

std::vector<std::int64_t> pruned_backward_data_shares(const LayerPlan& plan, const Shape& x, Pattern pattern,
                                                      std::int64_t threads) {
  const Geometry& geometry = plan.geometry;
  const PrunedCut cut(geometry, pattern, has_pair_products(plan) ? DType::bf16 : DType::f32);
  const PrunedStrips strips(geometry, cut, geometry.output_shape("conv2d", x), x);
  std::vector<std::int64_t> products;
  for (const Share& share : strips.shares(geometry, cut, threads)) {
    std::int64_t& sum = products.emplace_back(0);
    strips.for_each(share, [&](const Strip& at, std::int64_t begin, std::int64_t end) {
      sum += strips.products(geometry, at, begin, end) * cut.in_block;
    });
  }
  return products;
}

}  // namespace satsuma::cpu
