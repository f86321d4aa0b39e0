#pragma once

#include <cstdint>

namespace satsuma::cpu {

/// A kept weight ready for the kernels: its value, and where its input channel lies behind a pixel's first
/// channel.
struct NmEntry {
  float value;
  std::uint32_t offset;  ///< bytes: channel inside the block of input channels * 64
};

/// The same of two neighbouring rows that share their positions.
struct NmSharedEntry {
  float value[2];
  std::uint32_t offset;
};

/// Rows whose kept weights lie in one entry: two where a pattern is shared by two rows or more.
inline constexpr int kSharedRows = 2;

/// Most lines of an image in a tile.
inline constexpr int kMostLines = 2;

/// A kernel position that falls inside the image for every pixel of a tile.
struct Tap {
  /// For each line, bytes from the input pointer of a vector to the pixel under this tap.
  std::int64_t input[kMostLines];
  std::int32_t index;  ///< picks the weights: r * S + s, plus R * S times the panels of rows for each block
                       ///< of input channels behind the tile's first
};

/// One tile of a convolution: `count` vectors of outputs (a vector is some lanes of one pixel) of one line of
/// the image, or of each of two; some output rows (channels); one block of input channels or several.
/// Accumulators rest in `partial` [row][line][count][vector] between blocks of input channels.
struct TileArgs {
  int lines = 1;
  int count = 0;                        ///< vectors in a line
  const float* const* input = nullptr;  ///< [count]: first channel of the block, at the pixel's origin
  float* const* output = nullptr;       ///< [line][count]: row 0; rows are kLanes floats apart
  const Tap* taps = nullptr;
  int tap_count = 0;
  int row = 0;  ///< first output row, a multiple of what the kernel computes together
  int rows = 0;
  float* partial = nullptr;
  const float* bias = nullptr;          ///< of row 0, added in the first block; null for none
  const float* const* ahead = nullptr;  ///< cache lines to be fetched by and by, for a tile to come
  int ahead_count = 0;
  bool first = true;  ///< accumulators start from the bias instead of `partial`
  bool last = true;   ///< results go to `output` instead of `partial`
};

/// Weights of an N:M tile: NmEntry [row][tap][per_tap], or NmSharedEntry [pair of rows][tap][per_tap].
struct NmWeights {
  const void* entries = nullptr;
  int per_tap = 0;
  std::int64_t row_stride = 0;  ///< entries between rows or pairs of them
};

/// Weights of a dense tile: [row / dense_rows][tap][channel][dense_rows], rows padded with zeros.
struct DenseWeights {
  const float* values = nullptr;
  int channels = 0;
  std::int64_t panel_stride = 0;  ///< floats between groups of rows
};

/// A pixel pair of the weight gradient, x^T [lane][channel] and dy [row][lane], as floats behind
/// GradientArgs' own; and how many of the lanes are images.
struct PixelPair {
  std::int64_t x;
  std::int64_t dy;
  std::int32_t lanes;
};

/// dw[row][channel] (+)= sum over pairs and lanes of dy[row][lane] * x[lane][channel].
struct GradientArgs {
  const PixelPair* pairs = nullptr;
  std::int64_t pair_count = 0;
  const float* x = nullptr;
  const float* dy = nullptr;   ///< first row
  int rows = 0;                ///< at most gradient_rows
  int channels = 0;            ///< at most gradient_vectors * vector; x is padded to whole vectors
  std::int64_t x_stride = 0;   ///< floats between lanes of x
  float* dw = nullptr;         ///< first row
  std::int64_t dw_stride = 0;  ///< floats between rows
  bool accumulate = false;
  const float* next_dw = nullptr;  ///< `dw` of the next call, fetched meanwhile; null for none
};

/// Sixteen groups of `length` <= 64 elements side by side, [length][16]: which `kept` of each have the
/// largest magnitude.
struct SelectArgs {
  const float* values = nullptr;
  int length = 0;
  int kept = 0;
  std::uint32_t* chosen =
      nullptr;  ///< [2][16], aligned: bit i of the first word for element i, of the second for 32 + i
};

/// The kernels of one instruction set. Shapes are said by the structures above.
struct Kernels {
  int vector;       ///< floats in a register
  int tile;         ///< most vectors in an N:M tile
  int shared_tile;  ///< the same where two rows share their positions
  int dense_tile;   ///< most vectors in a dense tile
  int dense_rows;   ///< output rows that a dense kernel computes together
  int gradient_rows;
  int gradient_vectors;
  void (*nm)(const TileArgs&, const NmWeights&);
  /// Pairs of rows: TileArgs::row is even, and an odd last row leaves half of a pair unused.
  void (*nm_shared)(const TileArgs&, const NmWeights&);
  void (*dense)(const TileArgs&, const DenseWeights&);
  void (*gradient)(const GradientArgs&);
  void (*select)(const SelectArgs&);
  /// to[j][i] = from[i][j] for 16 x 16 floats; strides in floats, `to` aligned.
  void (*transpose_square)(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride);
  /// to[lane][channel] = from[channel][lane], 16 lanes; `to` has rows of `stride` floats, padded with zeros
  /// to it.
  void (*transpose)(const float* from, int channels, float* to, std::int64_t stride);
};

extern const Kernels kPlainKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

/// The kernels of active_isa().
const Kernels& kernels();

}  // namespace satsuma::cpu
