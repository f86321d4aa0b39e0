#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "src/cpu/sampled_form.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// One thread's walk over tiles of a sampled weight gradient, and the input rows that it holds meanwhile, in
/// parts of SampledInput::channel_block input channels.
class SampledWalk {
 public:
  SampledWalk(const SampledTiling& tiling, std::int64_t kernel_rows, Range tiles, Range parts)
      : tiling_(tiling),
        tiles_(tiles),
        first_part_(parts.first),
        part_bytes_(tiling.tiles.front().blocks * tiling.input.block_bytes),
        rows_(parts.size() * part_bytes_ / 4),
        held_(static_cast<std::size_t>(tiling.tiles.front().blocks * tiling.input.slots), -1),
        started_(static_cast<std::size_t>(kernel_rows), false) {
    // Padding, of columns and of channels, is never written again.
    std::memset(rows_.data(), 0, static_cast<std::size_t>(parts.size() * part_bytes_));
  }

  /// `products(tile, r)` for each tile and kernel row; it returns whether an output sees an input there.
  /// `clear(r)` then, for a kernel row under which none does but on padding.
  template <typename Products, typename Clear>
  void run(Products products, Clear clear) {
    const auto kernel_rows = static_cast<std::int64_t>(started_.size());
    std::int64_t block = 0;
    for (std::int64_t i = tiles_.first; i < tiles_.last; ++i) {
      const SampledTilePlace& tile = tiling_.tiles[static_cast<std::size_t>(i)];
      if (tile.first_block != block) std::fill(held_.begin(), held_.end(), -1);
      block = tile.first_block;
      for (std::int64_t r = 0; r < kernel_rows; ++r) {
        if (products(tile, r)) started_[static_cast<std::size_t>(r)] = true;
      }
    }
    for (std::int64_t r = 0; r < kernel_rows; ++r) {
      if (!started(r)) clear(r);
    }
  }

  /// Whether sums of a kernel row have been written by an earlier tile.
  bool started(std::int64_t r) const { return started_[static_cast<std::size_t>(r)]; }
  /// Where input row `row` of the tile's block `b` is held in each part, counted in rows.
  std::int64_t slot(std::int64_t b, std::int64_t row) const {
    return b * tiling_.input.slots + row % tiling_.input.slots;
  }
  /// Whether the caller has to write that row; it counts as held from then on.
  bool takes(std::int64_t b, std::int64_t row) {
    std::int64_t& held = held_[static_cast<std::size_t>(slot(b, row))];
    if (held == row) return false;
    held = row;
    return true;
  }
  char* part(std::int64_t i) {
    return reinterpret_cast<char*>(rows_.data()) + (i - first_part_) * part_bytes_;
  }

 private:
  const SampledTiling& tiling_;
  Range tiles_;
  std::int64_t first_part_;
  std::int64_t part_bytes_;
  Scratch rows_;
  std::vector<std::int64_t> held_;  ///< by slot
  std::vector<bool> started_;       ///< by kernel row
};

}  // namespace satsuma::cpu
