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

namespace satsuma::cpu {

namespace {

/// What stays in the first-level cache beside the streams of kept values and sums: rows of weights, each some
/// input channels of one output channel and kernel position. Half of 48 KiB, three quarters of 32.
constexpr std::int64_t kWeightBytes = 24 << 10;
/// Pixels of dx that such a part of the weights is used for.
constexpr std::int64_t kStripPixels = 32;

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
}  /// The same as PrunedTile has it in bf16: [block of input channels][tap][plane][output channel].
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

/// For each image coordinate whether any tap has a source.
std::vector<bool> reached(const Geometry& g, std::size_t axis, std::int64_t outputs, std::int64_t images) {
  std::vector<bool> result(static_cast<std::size_t>(images));
  for (std::int64_t image = 0; image < images; ++image) {
    for (std::int64_t tap = 0; tap < g.kernel[axis]; ++tap) {
      if (source(g, axis, outputs, image, tap) >= 0) result[static_cast<std::size_t>(image)] = true;
    }
  }
  return result;
}

/// Strips of dx, some rows of a block of images by a block of input channels: sums are collected in [pixel]
/// [image][channel], and in the end transposed to where they belong.
class PrunedWorker {
 public:
  PrunedWorker(const Geometry& geometry, const PrunedCut& cut, const PrunedForm& form, const float* weights,
               const Tensor& dy, Tensor& dx)
      : geometry_(geometry),
        cut_(cut),
        form_(form),
        kernel_(pruned_kernels(cut.halves ? DType::bf16 : DType::f32)),
        weights_(weights),
        dy_(dy),
        dx_(dx),
        height_(dx.dim(2)),
        width_(dx.dim(3)),
        rows_(std::clamp<std::int64_t>(kStripPixels / width_, 1, height_)),
        strips_(ceil_div(height_, rows_)),
        in_blocks_(ceil_div(geometry.in_channels, cut.in_block)),
        pixel_floats_(kLanes * cut.in_block),
        sums_(rows_ * width_ * pixel_floats_),
        reached_rows_(reached(geometry, 0, dy.dim(2), height_)),
        reached_columns_(reached(geometry, 1, dy.dim(3), width_)) {}

  std::int64_t pieces() const { return ceil_div(dx_.dim(0), kLanes) * strips_ * in_blocks_; }

  void piece(std::int64_t index) {
    in_block_ = index % in_blocks_;
    block_ = index / in_blocks_ / strips_;
    images_ = std::min(kLanes, dx_.dim(0) - block_ * kLanes);
    first_row_ = index / in_blocks_ % strips_ * rows_;
    last_row_ = std::min(first_row_ + rows_, height_);
    for (std::int64_t row = first_row_; row < last_row_; ++row) {
      for (std::int64_t column = 0; column < width_; ++column) {
        if (is_reached(row, column)) std::fill_n(sums_at(row, column), pixel_floats_, 0.0f);
      }
    }
    const std::int64_t taps = geometry_.kernel[0] * geometry_.kernel[1];
    for (std::int64_t out_block = 0; out_block < form_.blocks(); ++out_block) {
      for (std::int64_t tap = 0; tap < taps; tap += cut_.taps)
        products(out_block, tap, std::min(tap + cut_.taps, taps));
    }
    write();
  }

 private:
  float* sums_at(std::int64_t row, std::int64_t column) {
    return sums_.data() + ((row - first_row_) * width_ + column) * pixel_floats_;
  }

  /// Whether any tap reads dy here: under strides wider than the kernel most pixels have none.
  bool is_reached(std::int64_t row, std::int64_t column) const {
    return reached_rows_[static_cast<std::size_t>(row)] && reached_columns_[static_cast<std::size_t>(column)];
  }

  /// All pixels of the strip under some taps.
  void products(std::int64_t out_block, std::int64_t first_tap, std::int64_t last_tap) {
    PrunedTile tile;
    tile.per_image = form_.per_image(out_block);
    tile.images = static_cast<int>(images_);
    tile.vectors = static_cast<int>(cut_.in_block / kernel_.vector);
    tile.plane_bytes = geometry_.out_channels * cut_.row_bytes();
    for (std::int64_t row = first_row_; row < last_row_; ++row) {
      for (std::int64_t column = 0; column < width_; ++column) {
        if (!is_reached(row, column)) continue;
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
        tile.sums = sums_at(row, column);
        kernel_.products(tile);
      }
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
    for (std::int64_t row = first_row_; row < last_row_; ++row) {
      for (std::int64_t column = 0; column < width_; ++column) {
        const float* const sums = is_reached(row, column) ? sums_at(row, column) : nullptr;
        if (is_channels_last(dx_)) {
          write_rows(sums, row, column, first, count);
        } else {
          const std::int64_t pixel = (block_ * height_ + row) * width_ + column;
          float* const to = dx_.data<float>() + (pixel * geometry_.in_channels + first) * kLanes;
          write_lanes(sums, count, to);
        }
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
  const PrunedForm& form_;
  const PrunedKernels& kernel_;
  const float* weights_;
  const Tensor& dy_;
  Tensor& dx_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t rows_;  ///< in a strip
  std::int64_t strips_;
  std::int64_t in_blocks_;
  std::int64_t pixel_floats_;
  Scratch sums_;
  std::vector<bool> reached_rows_;  ///< of dx, which some tap has a source for
  std::vector<bool> reached_columns_;
  std::int64_t in_block_ = 0;
  std::int64_t block_ = 0;
  std::int64_t images_ = 0;
  std::int64_t first_row_ = 0;
  std::int64_t last_row_ = 0;
  std::vector<const void*> entries_;
  std::vector<const char*> rows_of_weights_;
};

}  // namespace

void pruned_backward_data(const LayerPlan& plan, const Tensor& dy, Pattern pattern, const Tensor& w,
                          Tensor& dx) {
  const Geometry& geometry = plan.geometry;
  const Tensor gradient = dy.to(MemoryFormat::batch_blocked);
  const bool has_products = plan.operands == DType::bf16 && bf16_kernels() != nullptr;
  const PrunedCut cut(geometry, pattern, has_products ? DType::bf16 : DType::f32);
  const PrunedForm form(gradient, pattern, cut.out_block, cut.row_bytes(), plan.operands, has_products);
  Scratch weights =
      has_products ? pack_halves(w, cut.in_block) : pack(rounded(w, plan.operands), cut.in_block);
  const std::int64_t pieces = PrunedWorker(geometry, cut, form, weights.data(), gradient, dx).pieces();
  parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    PrunedWorker worker(geometry, cut, form, weights.data(), gradient, dx);
    for (std::int64_t i = begin; i < end; ++i) worker.piece(i);
  });
}

}  // namespace satsuma::cpu
