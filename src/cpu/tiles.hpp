#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "src/cpu/axis.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

/// A forward or backward-data pass as the tile walk sees it: outputs [blocks, rows.outputs, columns.outputs,
/// out_channels, 16] from inputs [blocks, rows.inputs, columns.inputs, in_channels, 16].
struct TilePass {
  Axis rows;
  Axis columns;
  int kernel_width = 1;     ///< S: tap (r, s) has weights r * S + s
  int kernel_taps = 1;      ///< R * S
  std::int64_t blocks = 0;  ///< of sixteen images
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  const float* input = nullptr;
  float* output = nullptr;
  const float* bias = nullptr;
  bool wide = false;                ///< operands are bf16: kernels read wide blocks (kernels/bf16.hpp)
  const AmxKernels* amx = nullptr;  ///< kernels that read operands of bf16 as second factors of AMX, if any
};

/// How a pass is tiled.
struct TileShape {
  int vectors;  ///< most vectors of outputs in a tile (pixels in a pass of bf16, of wide blocks in
                ///< a wide one)
  int lines;    ///< lines of the image that they are taken from, where rows are alike
  std::int64_t channel_block;  ///< input channels that a tile works on at once
};

/// The shape whose inputs, with their halo, are fewest, and the number of input channels of which they fit
/// the first-level cache beside the streams of weights and sums: a multiple of `group` as far as there are
/// so many.
TileShape tile_shape(const TilePass& pass, int vectors, std::int64_t group);

/// Runs the kernel of a tile on block `block` of the input channels.
using TileKernel = std::function<void(const TileArgs& args, std::int64_t block)>;

/// Walks the outputs in tiles and calls `kernel` for each tile and block of input channels; output channels
/// come in multiples of `row_multiple` but for the last.
///
/// Input rows are first copied to a ring of rows in scratch memory, [channel block][row][pixel][channel]:
/// there a tile's inputs are contiguous, where in the tensor the pixels of one channel block are 64 *
/// channels bytes apart, which for a power of two puts them all in the same few sets of the first-level
/// cache. The copy also lays the padding as zeros, and rounds to bf16 for passes of bf16. Passes with one tap
/// need no copy and read the tensor in place; those of bf16 copy a tile at a time.
void walk_tiles(const TilePass& pass, const TileShape& shape, int row_multiple, const TileKernel& kernel);

/// Multiply-adds of each share into which walk_tiles() cuts the pass for `threads` threads: as if dense, and
/// whole panels of `row_multiple` output channels. Small passes leave some threads without a share. Reads no
/// tensor.
std::vector<std::int64_t> tile_shares(const TilePass& pass, const TileShape& shape, int row_multiple,
                                      std::int64_t threads);

}  // namespace satsuma::cpu
