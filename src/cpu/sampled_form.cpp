#include "src/cpu/sampled_form.hpp"

#include <algorithm>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/cpu.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {

namespace {

std::int64_t images_in(const Shape& shape, std::int64_t block) {
  return std::min(kLanes, shape[0] - block * kLanes);
}

/// Rows of few pixels are worked on together until there are so many: each visit of a tile of dw loads and
/// stores it.
constexpr std::int64_t kTilePixels = 8;

/// Input channels in a block, whose inputs under a tile fit the first-level cache.
std::int64_t channel_block_of(const Geometry& geometry, const SampledKernels& kernel, int taps) {
  int vectors = taps == kMostSampledTaps ? kernel.vectors : kernel.pointwise_vectors;
  // Four vectors of sixteen channels want a cache of 48 KiB for enough pixels.
  if (taps == kMostSampledTaps && kernel.vector >= 16 && cache_sizes().level1 < (48 << 10)) vectors = 2;
  return std::min<std::int64_t>(vectors, ceil_div(geometry.in_channels, kernel.vector)) * kernel.vector;
}

/// Entries of a pixel of a block of `images`.
std::int64_t entries_of(Pattern pattern, DType operands, std::int64_t images) {
  const std::int64_t kept = kept_along(pattern, images);
  return operands == DType::bf16 ? ceil_div(kept, 2) : kept;
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

}  // namespace

SampledTiling::SampledTiling(const Geometry& geometry, const Shape& x, const Shape& dy, Pattern pattern,
                             DType operands)
    : operands(operands),
      taps(static_cast<int>(std::min<std::int64_t>(geometry.kernel[1], kMostSampledTaps))) {
  const std::int64_t height = dy[2];
  const std::int64_t width = dy[3];
  const std::int64_t blocks = ceil_div(dy[0], kLanes);
  const bool halves = operands == DType::bf16;
  input.channel_block = channel_block_of(geometry, sampled_kernels(operands), taps);
  input.step = geometry.kernel[1] == 1 ? 1 : geometry.stride[1];
  input.positions = (width - 1) * input.step + (geometry.kernel[1] - 1) * geometry.dilation[1] + 1;
  input.image_bytes = halves ? 64 : input.channel_block * static_cast<std::int64_t>(sizeof(float));
  input.pixel_bytes = input.channel_block * kLanes * (halves ? 2 : 4);
  input.row_bytes = input.positions * input.pixel_bytes;

  const std::int64_t fitting = fitting_pixels(geometry, input, taps);
  const std::int64_t chunks = ceil_div(width, fitting);
  const bool whole_rows = chunks == 1 && width < kTilePixels;
  const std::int64_t rows = whole_rows ? std::min(kTilePixels / width, height) : 1;
  const std::int64_t together =
      whole_rows && rows == height ? std::min(kTilePixels / (width * height), blocks) : 1;
  const std::int64_t reach = (geometry.kernel[0] - 1) * geometry.dilation[0] + 1;
  // Tiles of several rows find all of them in place, without a ring.
  input.slots = rows > 1 ? x[2] : std::min(x[2], reach);
  input.block_bytes = input.slots * input.row_bytes;

  for (std::int64_t block = 0; block < blocks; block += together) {
    const std::int64_t last_block = std::min(block + together, blocks);
    std::int64_t pixel_entries = 0;
    for (std::int64_t b = block; b < last_block; ++b)
      pixel_entries += entries_of(pattern, operands, images_in(dy, b));
    for (std::int64_t row = 0; row < height; row += rows) {
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        const std::int64_t first = width * chunk / chunks;
        const std::int64_t pixels = width * (chunk + 1) / chunks - first;
        tiles.push_back({block, last_block - block, row, std::min(rows, height - row), first, pixels, entries,
                         pixels * pixel_entries});
        entries += tiles.back().entries();
      }
    }
  }
}

SampledForm::SampledForm(const Geometry& geometry, const SampledTiling& tiling, const Tensor& dy,
                         Pattern pattern, const SampleKey& key, DType operands)
    : blocks_(ceil_div(dy.dim(1), kLanes)),
      entry_bytes_(sampled_kernels(tiling.operands).entry_bytes),
      memory_(allocate_host(static_cast<std::size_t>(tiling.entries * blocks_ * entry_bytes_))) {
  const std::int64_t channels = dy.dim(1);
  const std::int64_t height = dy.dim(2);
  const std::int64_t width = dy.dim(3);
  const std::int64_t length = std::min<std::int64_t>(pattern.m, kLanes);
  const std::int64_t groups = ceil_div(kLanes, length);
  const std::uint64_t word = key.word();
  const SampledInput& input = tiling.input;
  const float* const from = dy.data<float>();
  const SampleKernels& kernel = sample_kernels();
  const bool paired = tiling.operands == DType::bf16;

  /// All groups and output channels of a pixel; `entry` is the pixel's first in its tile.
  const auto pixel = [&](const SampledTilePlace& tile, std::int64_t place, std::int64_t used,
                         std::int64_t offset, std::int64_t entry) {
    alignas(64) float images[kLanes * kLanes];
    SampleArgs args;
    args.image_bytes = static_cast<std::uint32_t>(input.image_bytes);
    for (std::int64_t block = 0; block < blocks_; ++block) {
      const std::int64_t first_channel = block * kLanes;
      const auto count = static_cast<int>(std::min(kLanes, channels - first_channel));
      cpu::kernels().transpose(from + (place * channels + first_channel) * kLanes, count, images, kLanes);
      args.channel = static_cast<std::uint32_t>(first_channel);
      std::byte* const to = entries(tile, block) + entry * entry_bytes_;
      SampledEntries kept[kLanes];
      SampledEntries* const first_kept = paired ? kept : reinterpret_cast<SampledEntries*>(to);
      args.to = first_kept;
      for (std::int64_t first = 0; first < used; first += length) {
        args.values = images + first * kLanes;
        args.length = static_cast<int>(std::min(length, used - first));
        args.kept = static_cast<int>(kept_in_group(pattern, args.length));
        args.line = sample_line(word, static_cast<std::uint64_t>(place * groups + first / length));
        args.offset = static_cast<std::uint32_t>(offset + first * input.image_bytes);
        kernel.sample(args);
        args.to += args.kept;
      }
      if (paired) {
        sampled_kernels(tiling.operands)
            .pair_up(kept, static_cast<int>(args.to - kept), reinterpret_cast<SampledPairs*>(to));
      } else if (operands != DType::f32) {
        for (SampledEntries* entry = first_kept; entry != args.to; ++entry) {
          for (float& value : entry->value) value = rounded_to(operands, value);
        }
      }
    }
  };
  parallel_for(static_cast<std::int64_t>(tiling.tiles.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const SampledTilePlace& tile = tiling.tiles[static_cast<std::size_t>(i)];
      std::int64_t entry = 0;
      for (std::int64_t row = 0; row < tile.rows; ++row) {
        for (std::int64_t b = 0; b < tile.blocks; ++b) {
          const std::int64_t block = tile.first_block + b;
          const std::int64_t used = images_in(dy.shape(), block);
          for (std::int64_t p = 0; p < tile.pixels; ++p) {
            const std::int64_t q = tile.first_pixel + p;
            const std::int64_t offset = row * geometry.stride[0] * input.row_bytes + b * input.block_bytes +
                                        q * input.step * input.pixel_bytes;
            pixel(tile, (block * height + tile.first_row + row) * width + q, used, offset, entry);
            entry += entries_of(pattern, tiling.operands, used);
          }
        }
      }
    }
  });
}

}  // namespace satsuma::cpu
