#include "src/devices/cpu/tiles.hpp"

#include <algorithm>
#include <cstring>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/devices/cpu/scratch.hpp"

namespace satsuma::cpu {

namespace {

constexpr std::int64_t kLaneBytes = kLanes * static_cast<std::int64_t>(sizeof(float));

/// A tap of one output row: which, and the input row it reads.
struct RowTap {
  int tap;
  std::int64_t row;
};

std::vector<std::vector<RowTap>> taps_of_rows(const Axis& rows) {
  std::vector<std::vector<RowTap>> result(static_cast<std::size_t>(rows.outputs));
  for (const AxisClass& group : rows.classes) {
    for (std::int64_t t = 0; t < group.count; ++t) {
      auto& taps = result[static_cast<std::size_t>(group.first + t * group.stride)];
      for (const AxisTap& tap : group.taps) {
        const std::int64_t row = tap.shift + t * group.step;
        if (row >= 0 && row < rows.inputs) taps.push_back({tap.tap, row});
      }
    }
  }
  return result;
}

/// Most consecutive input rows that one output row reaches over.
std::int64_t reach(const std::vector<std::vector<RowTap>>& rows) {
  std::int64_t most = 1;
  for (const auto& taps : rows) {
    for (const RowTap& a : taps) {
      for (const RowTap& b : taps) most = std::max(most, a.row - b.row + 1);
    }
  }
  return most;
}

/// The walk of one thread: its scratch memory, and the ring of input rows in it.
class Walker {
 public:
  Walker(const TilePass& pass, std::int64_t channel_block, int tile, int row_multiple,
         const std::vector<std::vector<RowTap>>& row_taps)
      : pass_(pass),
        channel_block_(channel_block),
        channel_blocks_(ceil_div(pass.in_channels, channel_block)),
        tile_(tile),
        halves_(static_cast<int>(kLanes) / kernels().vector),
        row_taps_(row_taps),
        in_place_(pass.rows.classes.size() == 1 && pass.columns.classes.size() == 1 &&
                  pass.rows.classes[0].taps.size() == 1 && pass.columns.classes[0].taps.size() == 1 &&
                  pass.columns.lowest() >= 0 && pass.columns.highest() <= pass.columns.inputs),
        ring_(in_place_ ? 0 : reach(row_taps)),
        low_(in_place_ ? 0 : std::min<std::int64_t>(0, pass.columns.lowest())),
        pixels_(in_place_ ? 0 : std::max(pass.columns.highest(), pass.columns.inputs) - low_),
        pixel_floats_(in_place_ ? pass.in_channels * kLanes : channel_block * kLanes),
        group_(blocks_together(pass, tile / halves_)),
        row_floats_(pixels_ * pixel_floats_),
        slot_floats_(group_ * row_floats_),
        block_floats_(in_place_ ? channel_block * kLanes : ring_ * slot_floats_),
        inputs_(channel_blocks_ * ring_ * slot_floats_),
        partial_(ceil_div(pass.out_channels, row_multiple) * row_multiple * tile * kernels().vector),
        held_(static_cast<std::size_t>(ring_)) {}

  /// Image blocks whose rows are worked on together, so that narrow images fill a tile.
  static std::int64_t blocks_together(const TilePass& pass, int pixels_in_tile) {
    std::int64_t widest = 1;
    for (const AxisClass& group : pass.columns.classes) widest = std::max(widest, group.count);
    return std::clamp<std::int64_t>(pixels_in_tile / widest, 1, pass.blocks);
  }

  void row(std::int64_t first_block, std::int64_t out_row, const TileKernel& kernel) {
    if (first_block != first_block_) {
      first_block_ = first_block;
      std::fill(held_.begin(), held_.end(), -1);
    }
    blocks_ = std::min(group_, pass_.blocks - first_block);
    const auto& taps = row_taps_[static_cast<std::size_t>(out_row)];
    if (!in_place_) {
      for (const RowTap& tap : taps) hold(tap.row);
    }
    for (const AxisClass& columns : pass_.columns.classes) class_of_row(columns, taps, out_row, kernel);
  }

 private:
  /// Copies an input row of the current image blocks to its place in the ring, unless it is there.
  void hold(std::int64_t row) {
    const std::int64_t slot = row % ring_;
    if (held_[static_cast<std::size_t>(slot)] == row) return;
    held_[static_cast<std::size_t>(slot)] = row;
    for (std::int64_t g = 0; g < blocks_; ++g) {
      const float* from = pass_.input + ((first_block_ + g) * pass_.rows.inputs + row) *
                                            pass_.columns.inputs * pass_.in_channels * kLanes;
      for (std::int64_t block = 0; block < channel_blocks_; ++block) {
        const std::int64_t first = block * channel_block_;
        const auto bytes =
            static_cast<std::size_t>(std::min(channel_block_, pass_.in_channels - first) * kLaneBytes);
        float* const to = inputs_.data() + block * block_floats_ + slot * slot_floats_ + g * row_floats_;
        for (std::int64_t p = 0; p < pixels_; ++p) {
          const std::int64_t column = p + low_;
          if (column >= 0 && column < pass_.columns.inputs) {
            std::memcpy(to + p * pixel_floats_, from + (column * pass_.in_channels + first) * kLanes, bytes);
          } else {
            std::memset(to + p * pixel_floats_, 0, bytes);
          }
        }
      }
    }
  }

  void class_of_row(const AxisClass& columns, const std::vector<RowTap>& row_taps, std::int64_t out_row,
                    const TileKernel& kernel) {
    taps_.clear();
    for (const RowTap& r : row_taps) {
      for (const AxisTap& s : columns.taps) {
        const std::int64_t row_at =
            in_place_ ? r.row * pass_.columns.inputs * pixel_floats_ : (r.row % ring_) * slot_floats_;
        const std::int64_t floats = row_at + (s.shift - low_) * pixel_floats_;
        taps_.push_back(
            {floats * static_cast<std::int64_t>(sizeof(float)), r.tap * pass_.kernel_width + s.tap});
      }
    }
    vectors_in_.clear();
    vectors_out_.clear();
    const float* const base = in_place_ ? pass_.input : inputs_.data();
    const std::int64_t image_floats =
        in_place_ ? pass_.rows.inputs * pass_.columns.inputs * pixel_floats_ : row_floats_;
    for (std::int64_t g = 0; g < blocks_; ++g) {
      const std::int64_t image = in_place_ ? first_block_ + g : g;
      float* const out = pass_.output + ((first_block_ + g) * pass_.rows.outputs + out_row) *
                                            pass_.columns.outputs * pass_.out_channels * kLanes;
      for (std::int64_t t = 0; t < columns.count; ++t) {
        for (int half = 0; half < halves_; ++half) {
          vectors_in_.push_back(base + image * image_floats + t * columns.step * pixel_floats_ +
                                half * kernels().vector);
          vectors_out_.push_back(out + (columns.first + t * columns.stride) * pass_.out_channels * kLanes +
                                 half * kernels().vector);
        }
      }
    }
    // Tiles of equal size: two of six cost less than one of eight and one of four.
    const auto vectors = static_cast<std::int64_t>(vectors_in_.size());
    const std::int64_t tiles = ceil_div(vectors, tile_);
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t begin = vectors * i / tiles;
      run(begin, static_cast<int>(vectors * (i + 1) / tiles - begin), kernel);
    }
  }

  void run(std::int64_t begin, int count, const TileKernel& kernel) {
    TileArgs args;
    args.count = count;
    args.output = vectors_out_.data() + begin;
    args.taps = taps_.data();
    args.tap_count = static_cast<int>(taps_.size());
    args.rows = static_cast<int>(pass_.out_channels);
    args.partial = partial_.data();
    args.bias = pass_.bias;
    const float* inputs[kMostVectors];
    args.input = inputs;
    for (std::int64_t block = 0; block < channel_blocks_; ++block) {
      for (int v = 0; v < count; ++v)
        inputs[v] = vectors_in_[static_cast<std::size_t>(begin + v)] + block * block_floats_;
      args.first = block == 0;
      args.last = block == channel_blocks_ - 1;
      kernel(args, block);
    }
  }

  static constexpr int kMostVectors = 16;

  const TilePass& pass_;
  std::int64_t channel_block_;
  std::int64_t channel_blocks_;
  int tile_;
  int halves_;
  const std::vector<std::vector<RowTap>>& row_taps_;
  bool in_place_;
  std::int64_t ring_;
  std::int64_t low_;
  std::int64_t pixels_;
  std::int64_t pixel_floats_;
  std::int64_t group_;
  std::int64_t row_floats_;
  std::int64_t slot_floats_;
  std::int64_t block_floats_;
  Scratch inputs_;
  Scratch partial_;
  std::vector<std::int64_t> held_;
  std::int64_t first_block_ = -1;
  std::int64_t blocks_ = 0;
  std::vector<Tap> taps_;
  std::vector<const float*> vectors_in_;
  std::vector<float*> vectors_out_;
};

}  // namespace

std::int64_t channel_block(const Axis& rows, const Axis& columns, std::int64_t in_channels, int tile,
                           std::int64_t group) {
  const std::int64_t pixels_in_tile = std::max<std::int64_t>(1, tile * kernels().vector / kLanes);
  std::int64_t footprint = 1;
  for (const AxisClass& r : rows.classes) {
    for (const AxisClass& s : columns.classes) {
      if (r.taps.empty() || s.taps.empty()) continue;
      const std::int64_t height = std::abs(r.taps.back().shift - r.taps.front().shift) + 1;
      const std::int64_t width =
          std::abs(s.taps.back().shift - s.taps.front().shift) + 1 + (pixels_in_tile - 1) * s.step;
      footprint = std::max(footprint, height * width);
    }
  }
  const auto budget = static_cast<std::int64_t>(cache_sizes().level1) * 2 / 3;
  const std::int64_t fitting = budget / (footprint * kLaneBytes) / group * group;
  return std::min(std::max(fitting, group), in_channels);
}

void walk_tiles(const TilePass& pass, std::int64_t channel_block, int tile, int row_multiple,
                const TileKernel& kernel) {
  const auto row_taps = taps_of_rows(pass.rows);
  const std::int64_t together =
      Walker::blocks_together(pass, tile * kernels().vector / static_cast<int>(kLanes));
  const std::int64_t groups = ceil_div(pass.blocks, together);
  parallel_for(groups * pass.rows.outputs, 1, [&](std::int64_t begin, std::int64_t end) {
    Walker walker(pass, channel_block, tile, row_multiple, row_taps);
    for (std::int64_t item = begin; item < end; ++item) {
      walker.row(item / pass.rows.outputs * together, item % pass.rows.outputs, kernel);
    }
  });
}

}  // namespace satsuma::cpu
