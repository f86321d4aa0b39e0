#include "src/cpu/sampled_form.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/cpu.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/kernels/sampled.hpp"
#include "src/sparse/pairwise.hpp"

namespace satsuma::cpu {

namespace {

/// None behind the last block.
std::int64_t images_in(const Shape& shape, std::int64_t block) {
  return std::clamp<std::int64_t>(shape[0] - block * kLanes, 0, kLanes);
}

/// Rows of few pixels are worked on together until there are so many: each visit of a tile of dw loads and
/// stores it.
constexpr std::int64_t kTilePixels = 8;

/// Input channels in a block, whose inputs under a tile fit the first-level cache.
std::int64_t channel_block_of(const Geometry& geometry, const SampledKernels& kernel, Pattern pattern,
                              int taps) {
  const SampledRowKernels& of_rows = kernel.of(pattern);
  int vectors = taps == kMostSampledTaps ? of_rows.vectors : of_rows.pointwise_vectors;
  // Four vectors of sixteen channels want a cache of 48 KiB for enough pixels.
  if (taps == kMostSampledTaps && kernel.vector >= 16 && cache_sizes().level1 < (48 << 10)) vectors = 2;
  return std::min<std::int64_t>(vectors, ceil_div(geometry.in_channels, kernel.vector)) * kernel.vector;
}

std::int64_t channel_block_of(const PickRowKernels& kernel, int taps) {
  return taps == 1 ? kernel.pointwise_channels : kernel.channels;
}

float rounded_to(DType type, float value) {
  if (type == DType::bf16) return static_cast<float>(BFloat16(value));
  return type == DType::f16 ? static_cast<float>(Float16(value)) : value;
}

/// Output pixels of a row whose inputs take up to two thirds of the first-level cache.
std::int64_t fitting_pixels(const Geometry& geometry, const SampledInput& input, int taps) {
  const auto budget = static_cast<std::int64_t>(cache_sizes().level1) * 2 / 3;
  const std::int64_t reach = (taps - 1) * geometry.dilation[1] + 1;
  return std::max<std::int64_t>(1, (budget / input.pixel_bytes - reach) / input.step + 1);
}

/// Output pixels in a tile whose lanes are output channels, about: their part of x takes half of the
/// first-level cache.
std::int64_t picked_pixels(const SampledInput& input) {
  return std::max<std::int64_t>(kTilePixels,
                                static_cast<std::int64_t>(cache_sizes().level1) / 2 / input.pixel_bytes);
}

}  // namespace

std::int64_t row_block(Pattern pattern) {
  return rows_together(pattern) * kLanes;
}

Range SampledTilePlace::rows_inside(const Geometry& g, std::int64_t r, std::int64_t height) const {
  Range inside{0, rows};
  while (inside.size() > 0 && input_row(g, inside.first, r) < 0) ++inside.first;
  while (inside.size() > 0 && input_row(g, inside.last - 1, r) >= height) --inside.last;
  return inside;
}

SampledTiling::SampledTiling(const Geometry& geometry, const Shape& x, const Shape& dy, Pattern pattern,
                             DType operands)
    : operands(operands),
      picks(pick_kernels(operands)),
      images(picks != nullptr ? kWideLanes : kLanes),
      taps(static_cast<int>(std::min<std::int64_t>(geometry.kernel[1], kMostSampledTaps))) {
  const std::int64_t height = dy[2];
  const std::int64_t width = dy[3];
  const std::int64_t blocks = ceil_div(dy[0], images);
  input.channel_block = picks != nullptr ? channel_block_of(picks->of(pattern), taps)
                                         : channel_block_of(geometry, sampled_kernels(), pattern, taps);
  input.step = geometry.kernel[1] == 1 ? 1 : geometry.stride[1];
  input.positions = (width - 1) * input.step + (geometry.kernel[1] - 1) * geometry.dilation[1] + 1;
  const auto number_bytes = static_cast<std::int64_t>(size_of(operands));
  input.image_bytes = input.channel_block * number_bytes;
  input.pixel_bytes = images * input.image_bytes;
  input.row_bytes = input.positions * input.pixel_bytes;

  const std::int64_t fitting = fitting_pixels(geometry, input, taps);
  const std::int64_t chunks = ceil_div(width, fitting);
  const std::int64_t wanted = picks != nullptr ? picked_pixels(input) : kTilePixels;
  const bool whole_rows = chunks == 1 && width < wanted;
  const std::int64_t rows = whole_rows ? std::min(wanted / width, height) : 1;
  const std::int64_t together =
      whole_rows && rows == height ? std::min(wanted / (width * height), blocks) : 1;
  const std::int64_t reach = (geometry.kernel[0] - 1) * geometry.dilation[0] + 1;
  if (picks != nullptr) {
    input.slots = std::min(x[2], (rows - 1) * geometry.stride[0] + reach);
  } else {
    // Entries count from the first input row of a tile, whose rows have to be in a line.
    input.slots = rows > 1 ? x[2] : std::min(x[2], reach);
  }
  input.block_bytes = input.slots * input.row_bytes;

  for (std::int64_t block = 0; block < blocks; ++block) {
    std::int64_t kept = 0;
    for (std::int64_t first = 0; first < images; first += kLanes)
      kept += kept_along(pattern, std::clamp<std::int64_t>(dy[0] - block * images - first, 0, kLanes));
    pixel_entries.push_back(picks != nullptr ? ceil_div(kept, 2) : kept);
  }
  for (std::int64_t block = 0; block < blocks; block += together) {
    const std::int64_t last_block = std::min(block + together, blocks);
    std::int64_t together_entries = 0;
    for (std::int64_t b = block; b < last_block; ++b) together_entries += entries_of_pixel(b);
    for (std::int64_t row = 0; row < height; row += rows) {
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        const std::int64_t first = width * chunk / chunks;
        const std::int64_t pixels = width * (chunk + 1) / chunks - first;
        tiles.push_back({block, last_block - block, row, std::min(rows, height - row), first, pixels, entries,
                         pixels * together_entries});
        entries += tiles.back().entries();
      }
    }
  }
}

namespace {

/// Samples blocks of output channels of single pixels.
class PixelSampler {
 public:
  PixelSampler(const SampledTiling& tiling, const Tensor& dy, Pattern pattern, std::uint64_t word,
               DType operands)
      : from_(dy.data<float>()),
        channels_(dy.dim(1)),
        pattern_(pattern),
        length_(std::min<std::int64_t>(pattern.m, kLanes)),
        word_(word),
        operands_(operands),
        rows_(rows_together(pattern)),
        sampled_bytes_(
            static_cast<std::int64_t>(rows_ > 1 ? sizeof(SampledSharedEntries) : sizeof(SampledEntries))),
        image_bytes_(tiling.picks != nullptr ? 1 : tiling.input.image_bytes),
        pair_up_(tiling.picks != nullptr ? tiling.picks->of(pattern).pair_up : nullptr) {
    const std::int64_t lanes = ceil_div(channels_, row_block(pattern)) * kLanes;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t channel = lane * rows_;
      drawn_for_.push_back(static_cast<std::uint32_t>(channel - channel % pattern.shared));
    }
  }

  /// All groups of the `used` images of a pixel, from output channel `first_channel` on. Images lie `offset`
  /// and on behind what entries count from.
  void sample(std::int64_t place, std::int64_t used, std::int64_t first_channel, std::int64_t offset) {
    for (int r = 0; r < rows_; ++r) transpose(place, first_channel, r);
    if (rows_ > 1) add_sizes();
    SampleArgs args;
    args.image_bytes = static_cast<std::uint32_t>(image_bytes_);
    args.channels = drawn_for_.data() + first_channel / rows_;
    for (std::int64_t first = 0; first < used; first += length_) {
      for (int r = 0; r < rows_; ++r) args.values[r] = images_[r] + first * kLanes;
      args.sizes = rows_ > 1 ? sizes_ + first * kLanes : nullptr;
      args.length = static_cast<int>(std::min(length_, used - first));
      args.kept = static_cast<int>(kept_in_group(pattern_, args.length));
      args.line =
          sample_line(word_, static_cast<std::uint64_t>(place * ceil_div(kLanes, length_) + first / length_));
      args.offset = static_cast<std::uint32_t>(offset + first * image_bytes_);
      args.to = kept_ + count_ * sampled_bytes_;
      (rows_ > 1 ? sample_kernels().sample_shared : sample_kernels().sample)(args);
      count_ += args.kept;
    }
  }

  /// Writes what was sampled since the last call as the kernels read it.
  void write(std::byte* to) {
    if (pair_up_ != nullptr) {
      pair_up_(kept_, static_cast<int>(count_), to);
    } else {
      if (operands_ != DType::f32) round_all();
      std::memcpy(to, kept_, static_cast<std::size_t>(count_ * sampled_bytes_));
    }
    count_ = 0;
  }

 private:
  /// Row `r` of each pair of rows to images_[r], [image][16]; each row where there are no pairs.
  void transpose(std::int64_t place, std::int64_t first_channel, int r) {
    const float* const from = from_ + (place * channels_ + first_channel + r) * kLanes;
    const std::int64_t count = std::min(kLanes, ceil_div(channels_ - first_channel - r, rows_));
    if (rows_ == 1) {
      // What is sampled next of these images follows, and comes from memory. (Where two rows are read in turn
      // that takes longer.)
      for (std::int64_t i = 0; i < kLanes; ++i) __builtin_prefetch(from + (kLanes + i) * kLanes);
      return cpu::kernels().transpose(from, static_cast<int>(count), images_[r], kLanes);
    }
    if (count == kLanes) return cpu::kernels().transpose_square(from, rows_ * kLanes, images_[r], kLanes);
    for (std::int64_t image = 0; image < kLanes; ++image) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        images_[r][image * kLanes + lane] = lane < count ? from[lane * rows_ * kLanes + image] : 0.0f;
      }
    }
  }

  void round_all() {
    for (std::int64_t i = 0; i < count_; ++i) {
      auto* const values = reinterpret_cast<float*>(kept_ + i * sampled_bytes_);
      for (std::int64_t j = 0; j < rows_ * kLanes; ++j) values[j] = rounded_to(operands_, values[j]);
    }
  }

  /// The sizes that channels which share positions have together, as sample_group() adds them up.
  void add_sizes() {
    for (std::int64_t i = 0; i < kLanes * kLanes; ++i)
      sizes_[i] = std::abs(images_[0][i]) + std::abs(images_[1][i]);
    pairwise_sums(sizes_, kLanes * kLanes, static_cast<std::size_t>(pattern_.shared / rows_));
  }

  const float* from_;
  std::int64_t channels_;
  Pattern pattern_;
  std::int64_t length_;
  std::uint64_t word_;
  DType operands_;
  std::int64_t rows_;  ///< of an entry
  std::int64_t sampled_bytes_;
  std::int64_t image_bytes_;  ///< between the offsets of neighbouring images
  void (*pair_up_)(const void*, int, void*);
  std::vector<std::uint32_t> drawn_for_;  ///< for each lane of all blocks the channel whose number is drawn
  alignas(64) float images_[kSharedRows][kLanes * kLanes];
  alignas(64) float sizes_[kLanes * kLanes];
  alignas(64) std::byte kept_[kWideLanes * sizeof(SampledSharedEntries)];
  std::int64_t count_ = 0;  ///< in kept_
};

}  // namespace

SampledForm::SampledForm(const Geometry& geometry, const SampledTiling& tiling, const Tensor& dy,
                         Pattern pattern, const SampleKey& key, DType operands)
    : block_channels_(row_block(pattern)),
      blocks_(ceil_div(dy.dim(1), block_channels_)),
      entry_bytes_(tiling.picks != nullptr ? tiling.picks->of(pattern).pair_bytes
                                           : sampled_kernels().of(pattern).entry_bytes),
      memory_(allocate_host(static_cast<std::size_t>(tiling.entries * blocks_ * entry_bytes_))) {
  const std::int64_t height = dy.dim(2);
  const std::int64_t width = dy.dim(3);
  const SampledInput& input = tiling.input;
  parallel_for(static_cast<std::int64_t>(tiling.tiles.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    PixelSampler sampler(tiling, dy, pattern, key.word(), operands);
    for (std::int64_t i = begin; i < end; ++i) {
      const SampledTilePlace& tile = tiling.tiles[static_cast<std::size_t>(i)];
      std::int64_t entry = 0;
      for (std::int64_t row = 0; row < tile.rows; ++row) {
        for (std::int64_t b = 0; b < tile.blocks; ++b) {
          const std::int64_t block = tile.first_block + b;
          for (std::int64_t p = 0; p < tile.pixels; ++p) {
            const std::int64_t q = tile.first_pixel + p;
            const std::int64_t offset = row * geometry.stride[0] * input.row_bytes + b * input.block_bytes +
                                        q * input.step * input.pixel_bytes;
            for (std::int64_t k = 0; k < blocks_; ++k) {
              for (std::int64_t first = 0; first < tiling.images; first += kLanes) {
                const std::int64_t sixteen = (block * tiling.images + first) / kLanes;
                const std::int64_t used = images_in(dy.shape(), sixteen);
                if (used == 0) break;
                const std::int64_t place = (sixteen * height + tile.first_row + row) * width + q;
                sampler.sample(place, used, k * block_channels_, tiling.picks != nullptr ? first : offset);
              }
              sampler.write(entries(tile, k) + entry * entry_bytes_);
            }
            entry += tiling.entries_of_pixel(block);
          }
        }
      }
    }
  });
}

}  // namespace satsuma::cpu
