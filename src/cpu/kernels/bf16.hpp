#pragma once

#include <cstdint>

#include "src/cpu/kernels/kernels.hpp"

// Kernels whose operands are bf16 and whose sums are f32: one instruction multiplies and adds two pairs. What
// a pair is differs: two kept weights of a row (N:M), two neighbouring channels (dense), two neighbouring
// images (weight gradient).

namespace satsuma::cpu {

/// Images whose bf16 numbers fill a 64-byte vector: two blocks of activations, called a wide block.
inline constexpr std::int64_t kWideLanes = 32;

/// Two kept weights of one row and tap.
struct NmPair {
  std::uint32_t weights;  ///< bf16 of the first in the lower half, of the second in the upper
  std::uint16_t first;    ///< bytes from a pixel's first channel: channel inside the block * 64
  std::uint16_t second;
};

/// The same of two neighbouring rows that share their positions.
struct NmSharedPair {
  std::uint32_t weights[2];
  std::uint16_t first;
  std::uint16_t second;
};

/// Most channels in a block, so that NmPair's offsets hold.
inline constexpr std::int64_t kMostPairChannels = 512;

/// Weights of an N:M tile: NmPair [row][tap][per_tap], or NmSharedPair [pair of rows][tap][per_tap].
struct NmPairWeights {
  const void* pairs = nullptr;
  int per_tap = 0;
  std::int64_t row_stride = 0;  ///< pairs of weights between rows or pairs of rows
};

/// Weights of a dense tile: [row / dense_rows][tap][channel pair][dense_rows], each two bf16; rows and
/// channels are padded with zeros.
struct DensePairWeights {
  const std::uint32_t* values = nullptr;
  int channel_pairs = 0;
  std::int64_t panel_stride = 0;  ///< pairs between groups of rows
};

/// A tile as TileArgs has it, but for: `count` counts pixels of a wide block, `input` points to wide vectors
/// (pack_wide), `output` is [2 * count], the two blocks of each pixel; accumulators are [row][count][2][16].
struct Bf16Kernels {
  int tile;        ///< most pixels in an N:M tile
  int dense_tile;  ///< most pixels in a dense tile
  int dense_rows;
  int gradient_rows;
  int gradient_vectors;
  void (*nm)(const TileArgs&, const NmPairWeights&);
  /// As Kernels::nm_shared.
  void (*nm_shared)(const TileArgs&, const NmPairWeights&);
  void (*dense)(const TileArgs&, const DensePairWeights&);
  /// PixelPair's `lanes` counts pairs of images; x is [pair][channel], dy [row][8 pairs], each two bf16.
  void (*gradient)(const GradientArgs&);
  /// `channels` vectors of the two blocks of a pixel, rounded and arranged as nm and dense want them. A null
  /// `second` stands for zeros.
  void (*pack_wide)(const float* first, const float* second, std::int64_t channels, void* to);
  /// to[pair][channel] = images 2 pair and 2 pair + 1 of from[channel], rounded; `to` has rows of `stride`
  /// pairs, padded with zeros to it.
  void (*transpose_pairs)(const float* from, int channels, float* to, std::int64_t stride);
  /// to[row][pair] of the first `lanes` images of from[row], zeros for the others; rows of `to` are `stride`
  /// pairs apart.
  void (*round_rows)(const float* from, std::int64_t rows, int lanes, float* to, std::int64_t stride);
};

extern const Bf16Kernels kAvx512Bf16Kernels;

/// The kernels of active_isa(), or null where it has no bf16 instructions.
const Bf16Kernels* bf16_kernels();

}  // namespace satsuma::cpu
