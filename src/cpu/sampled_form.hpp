#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "satsuma/core/tensor.hpp"
#include "satsuma/device/geometry.hpp"
#include "satsuma/sparse/sampling.hpp"
#include "src/cpu/gradient_split.hpp"
#include "src/cpu/kernels/picked.hpp"
#include "src/cpu/kernels/sampled.hpp"

namespace satsuma::cpu {

/// How the weight gradient holds x, transposed to [channel block][block of images][row][position], each of
/// these as SampledTile has it. Positions are the input columns that a row of outputs reaches, padding
/// included; under kernels of one column only those that are read.
struct SampledInput {
  std::int64_t channel_block;  ///< input channels, padded to whole vectors
  std::int64_t step;           ///< positions between neighbouring outputs
  std::int64_t positions;      ///< in a row
  std::int64_t slots;          ///< rows held of a block of images: row h is in slot h % slots
  std::int64_t image_bytes;
  std::int64_t pixel_bytes;
  std::int64_t row_bytes;
  std::int64_t block_bytes;

  /// Input column of a position; it may be on padding.
  std::int64_t column(const Geometry& geometry, std::int64_t position) const {
    const std::int64_t stride = geometry.kernel[1] == 1 ? geometry.stride[1] : 1;
    return position * stride - geometry.padding[1];
  }
};

/// Outputs whose products are added up in registers: pixels of one row, or whole rows of one block of images
/// or, where they are all rows of small images, of several.
struct SampledTilePlace {
  std::int64_t first_block, blocks;
  std::int64_t first_row, rows;
  std::int64_t first_pixel, pixels;  ///< of each row
  std::int64_t first_entry;          ///< entries of all tiles before this one
  std::int64_t row_entries;          ///< entries of each row, of all blocks

  std::int64_t entries() const { return rows * row_entries; }
  /// What the tile's `row`-th row of outputs sees under kernel row `r`; it may be on padding.
  std::int64_t input_row(const Geometry& g, std::int64_t row, std::int64_t r) const {
    return (first_row + row) * g.stride[0] - g.padding[0] + r * g.dilation[0];
  }
  /// Rows of the tile for which that is inside an input of `height` rows.
  Range rows_inside(const Geometry& g, std::int64_t r, std::int64_t height) const;
};

/// Where the outputs of a pass lie in tiles, and its inputs in memory. Depends on shapes and cache sizes.
struct SampledTiling {
  /// `operands` is f32, or bf16 where bf16_kernels() are.
  SampledTiling(const Geometry& geometry, const Shape& x, const Shape& dy, Pattern pattern,
                DType operands = DType::f32);

  /// Of a pixel of a block of images, for each output channel.
  std::int64_t entries_of_pixel(std::int64_t block) const {
    return pixel_entries[static_cast<std::size_t>(block)];
  }

  DType operands;
  const PickKernels* picks;  ///< null where lanes are input channels
  std::int64_t images;       ///< of a block
  int taps;                  ///< kernel positions of a row that share a broadcast, or what is picked for them
  SampledInput input;
  std::vector<std::int64_t> pixel_entries;  ///< by block
  std::vector<SampledTilePlace> tiles;
  std::int64_t entries = 0;  ///< of all tiles, for each output channel
};

/// Output channels that are sampled side by side: sixteen, or sixteen pairs where they share positions.
std::int64_t row_block(Pattern pattern);

/// An output gradient sampled along images, [tile][block of output channels][entry], entries as SampledTile
/// has them: blocks of row_block() channels.
class SampledForm {
 public:
  /// Samples `dy`, batch-blocked, as sample_along_images() does, and rounds what is kept to `operands`.
  SampledForm(const Geometry& geometry, const SampledTiling& tiling, const Tensor& dy, Pattern pattern,
              const SampleKey& key, DType operands = DType::f32);

  /// Output channels in a block.
  std::int64_t block_channels() const { return block_channels_; }
  std::int64_t blocks() const { return blocks_; }
  /// Entries of a tile for output channels block_channels() * block and on.
  std::byte* entries(const SampledTilePlace& tile, std::int64_t block) const {
    return memory_.get() + (tile.first_entry * blocks_ + block * tile.entries()) * entry_bytes_;
  }
  std::int64_t entry_bytes() const { return entry_bytes_; }

 private:
  std::int64_t block_channels_;
  std::int64_t blocks_;
  std::int64_t entry_bytes_;
  std::shared_ptr<std::byte> memory_;
};

}  // namespace satsuma::cpu
