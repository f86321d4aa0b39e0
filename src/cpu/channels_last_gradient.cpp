#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "src/cpu/channels_last.hpp"
#include "src/cpu/gradient_tile.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

namespace {

/// Output pixels side by side in one row of one image, and in one slot of kLanes pixels of the batch.
struct Run {
  std::int64_t image, row, first, count;
  std::int64_t slot, lane;  ///< of its first pixel
};

std::vector<Run> runs_of(std::int64_t images, std::int64_t height, std::int64_t width) {
  std::vector<Run> runs;
  for (std::int64_t line = 0; line < images * height; ++line) {
    for (std::int64_t first = 0; first < width;) {
      const std::int64_t pixel = line * width + first;
      const std::int64_t count = std::min(width - first, kLanes - pixel % kLanes);
      runs.push_back({line / height, line % height, first, count, pixel / kLanes, pixel % kLanes});
      first += count;
    }
  }
  return runs;
}

/// Pixels [pixels][from_width] with their channels padded to `width` by zeros.
void pad_channels(const float* from, std::int64_t pixels, std::int64_t from_width, std::int64_t width,
                  float* to) {
  parallel_for(pixels, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      std::copy_n(from + p * from_width, from_width, to + p * width);
      std::fill(to + p * width + from_width, to + (p + 1) * width, 0.0f);
    }
  });
}

/// Extents and operands of the pass: x [images, height, width, channels], whose channels are whole vectors.
struct GradientPass {
  const Geometry& geometry;
  std::int64_t height, width;
  std::int64_t out_pixels;  ///< of all images
  std::int64_t channels;    ///< padded
  const float* x;
  const float* dy;
  float* dw;
  std::vector<Run> runs;
};

/// The rows of dw of one thread. Output pixels stand for the lanes of the gradient kernel: dy is transposed
/// to [slot][row][lane], and x is read where it lies.
class ChannelsLastGradient {
 public:
  ChannelsLastGradient(const GradientPass& pass, std::int64_t first_row, std::int64_t last_row)
      : pass_(pass),
        first_row_(first_row),
        last_row_(last_row),
        rows_(ceil_div(last_row - first_row, kLanes) * kLanes),
        block_(kernels().gradient_vectors * kernels().vector),
        gradients_(kStripSlots * rows_ * kLanes),
        tile_(kernels().gradient_rows * block_) {}

  void run() {
    const auto end = static_cast<std::int64_t>(pass_.runs.size());
    for (std::int64_t first = 0; first < end;) {
      first_slot_ = run_at(first).slot;
      std::int64_t last = first;
      for (; last < end && run_at(last).slot < first_slot_ + kStripSlots; ++last) {
        if (last == first || run_at(last).slot != run_at(last - 1).slot) transpose(run_at(last).slot);
      }
      strip(first, last);
      first = last;
    }
  }

 private:
  /// Slots whose products are added up in registers: enough of them to hide the traffic of dw, and so few
  /// that the inputs under them, of one block of channels, stay in the caches.
  static constexpr std::int64_t kStripSlots = 8;

  const Run& run_at(std::int64_t i) const { return pass_.runs[static_cast<std::size_t>(i)]; }
  float* slot_at(std::int64_t slot) { return gradients_.data() + (slot - first_slot_) * rows_ * kLanes; }

  void strip(std::int64_t first, std::int64_t last) {
    const auto [kernel_height, kernel_width] = pass_.geometry.kernel;
    for (std::int64_t r = 0; r < kernel_height; ++r) {
      for (std::int64_t s = 0; s < kernel_width; ++s) {
        collect(first, last, r, s);
        if (pairs_.empty() && first > 0) continue;
        products(r * kernel_width + s, first > 0);
      }
    }
  }

  /// dy of a slot as [row][lane].
  void transpose(std::int64_t slot) {
    const std::int64_t outputs = pass_.geometry.out_channels;
    const float* const from = pass_.dy + slot * kLanes * outputs + first_row_;
    float* const to = slot_at(slot);
    const std::int64_t rows = last_row_ - first_row_;
    const std::int64_t count = std::min(kLanes, pass_.out_pixels - slot * kLanes);
    std::int64_t k = 0;
    if (count == kLanes) {
      for (; k + kLanes <= rows; k += kLanes)
        kernels().transpose_square(from + k, outputs, to + k * kLanes, kLanes);
    }
    for (; k < rows; ++k) {
      for (std::int64_t n = 0; n < count; ++n) to[k * kLanes + n] = from[n * outputs + k];
    }
  }

  /// The part of each run that sees a pixel of the image under a tap.
  void collect(std::int64_t first, std::int64_t last, std::int64_t r, std::int64_t s) {
    const Geometry& g = pass_.geometry;
    pairs_.clear();
    for (std::int64_t i = first; i < last; ++i) {
      const Run& run = run_at(i);
      const std::int64_t row = run.row * g.stride[0] - g.padding[0] + r * g.dilation[0];
      if (row < 0 || row >= pass_.height) continue;
      const std::int64_t column = run.first * g.stride[1] - g.padding[1] + s * g.dilation[1];
      const std::int64_t skip = column < 0 ? ceil_div(-column, g.stride[1]) : 0;
      const std::int64_t stop =
          column < pass_.width ? std::min(run.count, (pass_.width - 1 - column) / g.stride[1] + 1) : 0;
      if (skip >= stop) continue;
      const std::int64_t pixel = (run.image * pass_.height + row) * pass_.width + column + skip * g.stride[1];
      pairs_.push_back({pixel * pass_.channels, (run.slot - first_slot_) * rows_ * kLanes + run.lane + skip,
                        static_cast<std::int32_t>(stop - skip)});
    }
  }

  void products(std::int64_t tap, bool accumulate) {
    const std::int64_t channels = pass_.geometry.in_channels;
    const std::int64_t taps = pass_.geometry.kernel[0] * pass_.geometry.kernel[1];
    const std::int64_t unit = kernels().gradient_rows;
    for (std::int64_t c = 0; c < channels; c += block_) {
      for (std::int64_t row = first_row_; row < last_row_; row += unit) {
        GradientArgs args;
        args.pairs = pairs_.data();
        args.pair_count = static_cast<std::int64_t>(pairs_.size());
        args.x = pass_.x + c;
        args.dy = gradients_.data() + (row - first_row_) * kLanes;
        args.rows = static_cast<int>(std::min(unit, last_row_ - row));
        args.channels = static_cast<int>(std::min(block_, channels - c));
        args.x_stride = pass_.geometry.stride[1] * pass_.channels;
        args.dw = pass_.dw + (row * taps + tap) * channels + c;
        args.dw_stride = taps * channels;
        args.accumulate = accumulate;
        if (pass_.channels == channels) {
          kernels().gradient(args);
        } else {
          gradient_through_tile(kernels().gradient, args, tile_.data(), block_);
        }
      }
    }
  }

  const GradientPass& pass_;
  std::int64_t first_row_;
  std::int64_t last_row_;
  std::int64_t rows_;
  std::int64_t block_;
  Scratch gradients_;
  std::int64_t first_slot_ = 0;
  Scratch tile_;
  std::vector<PixelPair> pairs_;
};

/// True where output pixel p reads input pixel p and no other.
bool is_pointwise(const Geometry& g) {
  constexpr Pair kOne = {1, 1};
  return g.kernel == kOne && g.stride == kOne && g.padding == Pair{0, 0};
}

}  // namespace

void weight_gradient_channels_last(const LayerPlan& plan, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const Geometry& geometry = plan.geometry;
  const Tensor input = rounded(x, plan.operands);
  const Tensor gradient = rounded(dy, plan.operands);
  const std::int64_t vector = kernels().vector;
  const std::int64_t channels = ceil_div(geometry.in_channels, vector) * vector;
  const std::int64_t pixels = x.dim(0) * x.dim(2) * x.dim(3);
  // A part of a larger tensor may start where no vector does.
  const auto address = reinterpret_cast<std::uintptr_t>(input.raw());
  const bool copied = channels != geometry.in_channels || address % (sizeof(float) * kLanes) != 0;
  Scratch copy(copied ? pixels * channels : 1);
  if (copied) pad_channels(input.data<float>(), pixels, geometry.in_channels, channels, copy.data());
  GradientPass pass{geometry,
                    x.dim(2),
                    x.dim(3),
                    dy.dim(0) * dy.dim(2) * dy.dim(3),
                    channels,
                    copied ? copy.data() : input.data<float>(),
                    gradient.data<float>(),
                    dw.data<float>(),
                    {}};
  if (is_pointwise(geometry)) {
    // One row of pixels, which is cut into fewer runs.
    pass.height = 1;
    pass.width = pixels;
    pass.runs = runs_of(1, 1, pixels);
  } else {
    pass.runs = runs_of(dy.dim(0), dy.dim(2), dy.dim(3));
  }
  // Half a register tile still hides the latency of its sums.
  const std::int64_t parts =
      std::min<std::int64_t>(threads(), ceil_div(geometry.out_channels, kernels().gradient_rows / 2));
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    ChannelsLastGradient(pass, geometry.out_channels * begin / parts, geometry.out_channels * end / parts)
        .run();
  });
}

void bias_gradient_channels_last(const Tensor& dy, Tensor& dbias) {
  const std::int64_t pixels = dy.dim(0) * dy.dim(2) * dy.dim(3);
  const std::int64_t channels = dy.dim(1);
  const float* const from = dy.data<float>();
  std::vector<double> sums(static_cast<std::size_t>(channels));
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t k = 0; k < channels; ++k)
      sums[static_cast<std::size_t>(k)] += static_cast<double>(from[p * channels + k]);
  }
  std::transform(sums.begin(), sums.end(), dbias.data<float>(),
                 [](double sum) { return static_cast<float>(sum); });
}

}  // namespace satsuma::cpu
