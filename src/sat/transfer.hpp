#pragma once

#include <cstdint>

#include "satsuma/sat/config.hpp"
#include "src/sat/product.hpp"

namespace satsuma::sat {

/// Bytes of an operand, and what they cost on the bus once every contiguous run is rounded up to bursts.
struct Transfer {
  std::int64_t bytes = 0;
  std::int64_t bus = 0;
  std::int64_t indices = 0;  ///< of `bytes`, the share that is indices
};

/// Bits of the index of a kept element inside its group.
std::int64_t index_bits(Pattern pattern);
/// Bytes of the indices of `values` kept values, one after the other.
std::int64_t index_bytes(Pattern pattern, std::int64_t values);

/// FP16 of `channels` of `all` channels at a block of pixels. Memory holds [N/16][H][W][C][16].
struct PixelBlock {
  std::int64_t images = 1;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::int64_t channels = 1;
  bool all_channels = true;
  bool all_columns = true;   ///< rows follow each other without a gap
  bool adjacent = true;      ///< pixels of a row follow each other without a gap
  std::int64_t element = 2;  ///< bytes
};
Transfer pixel_transfer(const Config& config, const PixelBlock& block);

/// Weights of a tile, laid out tile by tile so that a tile is one run: kept values and indices, or FP16
/// dense.
Transfer weight_transfer(const Config& config, const Product& product, const Tile& tile, bool packed);

/// The dense operand of a tile: X in FF and WU, dY in BP.
Transfer activation_transfer(const Config& config, const Product& product, const Tile& tile);

/// dY of a tile in WU.
Transfer gradient_transfer(const Config& config, const Product& product, const Tile& tile);

/// Sums of a tile in FP32 (`partial`), or the output in FP16.
Transfer output_transfer(const Config& config, const Product& product, const Tile& tile, bool partial);

/// On-chip memory that a tile needs, packed where the operand is N:M (SORE prunes before the buffer), one
/// half of the double buffer each, in bytes.
struct Footprint {
  std::int64_t activations = 0;
  std::int64_t weights = 0;
  std::int64_t output = 0;
};
Footprint footprint(const Product& product, const Tile& tile);

/// The least split that holds the footprint twice, in whole banks.
BufferSplit split_for(const Config& config, const Footprint& need);

}  // namespace satsuma::sat
