#include "src/cpu/tiles.hpp"

#include <algorithm>
#include <cstring>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/scratch.hpp"

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

/// True where each output reads one input pixel, and none of the padding.
bool is_pointwise(const TilePass& pass) {
  const auto one_tap = [](const Axis& axis) {
    return axis.classes.size() == 1 && axis.classes[0].taps.size() == 1;
  };
  return one_tap(pass.rows) && one_tap(pass.columns) && pass.columns.lowest() >= 0 &&
         pass.columns.highest() <= pass.columns.inputs;
}

/// How a pass is cut into the pieces that are given to threads: a set of image blocks, an output row, and a
/// chunk of its pixels.
struct Cut {
  bool in_place;        ///< tiles read the tensor, nothing is copied
  bool tile_by_tile;    ///< a row's inputs are copied a chunk at a time: what a pointwise pass copies is used
                        ///< once
  std::int64_t unit;    ///< image blocks behind an input vector: 2 in a wide pass
  std::int64_t groups;  ///< units whose rows are worked on together, so that narrow images fill a tile
  std::int64_t sets;
  std::int64_t chunks;
  std::int64_t chunk;  ///< output pixels, of each class of columns

  Cut(const TilePass& pass, int tile) {
    in_place = !pass.wide && is_pointwise(pass);
    tile_by_tile = pass.wide && is_pointwise(pass);
    unit = pass.wide ? 2 : 1;
    const std::int64_t pixels = pass.wide ? tile : tile * kernels().vector / kLanes;
    std::int64_t widest = 1;
    for (const AxisClass& group : pass.columns.classes) widest = std::max(widest, group.count);
    const std::int64_t units = ceil_div(pass.blocks, unit);
    groups = std::clamp<std::int64_t>(pixels / widest, 1, units);
    sets = ceil_div(units, groups);
    chunk = tile_by_tile ? std::min(pixels, widest) : widest;
    chunks = ceil_div(widest, chunk);
  }

  std::int64_t pieces(const TilePass& pass) const { return sets * pass.rows.outputs * chunks; }
};

/// The walk of one thread: its scratch memory, and the ring of input rows in it.
class Walker {
 public:
  Walker(const TilePass& pass, const Cut& cut, std::int64_t channel_block, int tile, int row_multiple,
         const std::vector<std::vector<RowTap>>& row_taps)
      : pass_(pass),
        cut_(cut),
        channel_block_(channel_block),
        channel_blocks_(ceil_div(pass.in_channels, channel_block)),
        tile_(tile),
        halves_(pass.wide ? 1 : static_cast<int>(kLanes) / kernels().vector),
        row_taps_(row_taps),
        ring_(cut.in_place ? 0 : reach(row_taps)),
        low_(cut.in_place || cut.tile_by_tile ? 0 : std::min<std::int64_t>(0, pass.columns.lowest())),
        pixels_(cut.in_place       ? 0
                : cut.tile_by_tile ? cut.chunk
                                   : std::max(pass.columns.highest(), pass.columns.inputs) - low_),
        pixel_floats_(cut.in_place ? pass.in_channels * kLanes : channel_block * kLanes),
        row_floats_(pixels_ * pixel_floats_),
        slot_floats_(cut.groups * row_floats_),
        block_floats_(cut.in_place ? channel_block * kLanes : ring_ * slot_floats_),
        inputs_(channel_blocks_ * ring_ * slot_floats_),
        partial_(ceil_div(pass.out_channels, row_multiple) * row_multiple * tile *
                 (pass.wide ? kWideLanes : kernels().vector)),
        nobody_(pass.blocks % cut.unit != 0 ? pass.out_channels * kLanes : 0),
        held_(static_cast<std::size_t>(ring_)) {}

  void piece(std::int64_t index, const TileKernel& kernel) {
    const std::int64_t chunk = index % cut_.chunks;
    const std::int64_t out_row = index / cut_.chunks % pass_.rows.outputs;
    const std::int64_t first_unit = index / cut_.chunks / pass_.rows.outputs * cut_.groups;
    if (first_unit != first_unit_ || cut_.chunks > 1) {
      first_unit_ = first_unit;
      std::fill(held_.begin(), held_.end(), -1);
    }
    units_ = std::min(cut_.groups, ceil_div(pass_.blocks, cut_.unit) - first_unit);
    first_pixel_ = chunk * cut_.chunk;
    const auto& taps = row_taps_[static_cast<std::size_t>(out_row)];
    if (!cut_.in_place) {
      for (const RowTap& tap : taps) hold(tap.row);
    }
    for (const AxisClass& columns : pass_.columns.classes) class_of_row(columns, taps, out_row, kernel);
  }

 private:
  /// Row `row` of block `block`, from the pixel at column 0; null behind the last block.
  const float* input_row(std::int64_t block, std::int64_t row) const {
    if (block >= pass_.blocks) return nullptr;
    return pass_.input +
           (block * pass_.rows.inputs + row) * pass_.columns.inputs * pass_.in_channels * kLanes;
  }

  /// Copies an input row of the current image blocks to its place in the ring, unless it is there.
  void hold(std::int64_t row) {
    const std::int64_t slot = row % ring_;
    if (held_[static_cast<std::size_t>(slot)] == row) return;
    held_[static_cast<std::size_t>(slot)] = row;
    for (std::int64_t g = 0; g < units_; ++g) {
      const std::int64_t unit_block = (first_unit_ + g) * cut_.unit;
      const float* const from = input_row(unit_block, row);
      const float* const second = pass_.wide ? input_row(unit_block + 1, row) : nullptr;
      for (std::int64_t block = 0; block < channel_blocks_; ++block) {
        const std::int64_t first = block * channel_block_;
        const std::int64_t channels = std::min(channel_block_, pass_.in_channels - first);
        // Dense kernels read wide channels in pairs, of which the last may have one channel only.
        const std::int64_t width = pass_.wide ? ceil_div(channels, 2) * 2 : channels;
        float* const to = inputs_.data() + block * block_floats_ + slot * slot_floats_ + g * row_floats_;
        for (std::int64_t p = 0; p < pixels_; ++p) {
          const std::int64_t column = column_of(p);
          if (column < 0) {
            std::memset(to + p * pixel_floats_, 0, static_cast<std::size_t>(width * kLaneBytes));
          } else {
            const std::int64_t at = (column * pass_.in_channels + first) * kLanes;
            copy_pixel(from + at, second ? second + at : nullptr, channels, to + p * pixel_floats_);
          }
        }
      }
    }
  }

  /// Input column of position `p` of a row in the ring; -1 on padding.
  std::int64_t column_of(std::int64_t p) const {
    std::int64_t column = p + low_;
    if (cut_.tile_by_tile) {
      const AxisClass& all = pass_.columns.classes[0];
      column = all.taps[0].shift + (first_pixel_ + p) * all.step;
    }
    return column < pass_.columns.inputs ? column : -1;
  }

  void copy_pixel(const float* first, const float* second, std::int64_t channels, float* to) const {
    if (!pass_.wide) {
      std::memcpy(to, first, static_cast<std::size_t>(channels * kLaneBytes));
      return;
    }
    bf16_kernels()->pack_wide(first, second, channels, to);
    if (channels % 2 != 0) std::memset(to + channels * kLanes, 0, kLaneBytes);
  }

  void class_of_row(const AxisClass& columns, const std::vector<RowTap>& row_taps, std::int64_t out_row,
                    const TileKernel& kernel) {
    taps_.clear();
    for (const RowTap& r : row_taps) {
      for (const AxisTap& s : columns.taps) {
        const std::int64_t row_at =
            cut_.in_place ? r.row * pass_.columns.inputs * pixel_floats_ : (r.row % ring_) * slot_floats_;
        const std::int64_t pixel = cut_.tile_by_tile ? 0 : s.shift - low_;
        taps_.push_back({(row_at + pixel * pixel_floats_) * static_cast<std::int64_t>(sizeof(float)),
                         r.tap * pass_.kernel_width + s.tap});
      }
    }
    vectors_in_.clear();
    vectors_out_.clear();
    const float* const base = cut_.in_place ? pass_.input : inputs_.data();
    const std::int64_t image_floats =
        cut_.in_place ? pass_.rows.inputs * pass_.columns.inputs * pixel_floats_ : row_floats_;
    const std::int64_t step = cut_.tile_by_tile ? 1 : columns.step;
    const std::int64_t count = std::min(columns.count - first_pixel_, cut_.chunk);
    for (std::int64_t g = 0; g < units_; ++g) {
      const std::int64_t unit = first_unit_ + g;
      const float* const in = base + (cut_.in_place ? unit : g) * image_floats;
      for (std::int64_t t = 0; t < count; ++t) {
        for (int half = 0; half < halves_; ++half)
          vectors_in_.push_back(in + t * step * pixel_floats_ + half * kernels().vector);
        const std::int64_t column = columns.first + (first_pixel_ + t) * columns.stride;
        for (std::int64_t block = unit * cut_.unit; block < (unit + 1) * cut_.unit; ++block) {
          float* const out =
              block < pass_.blocks
                  ? pass_.output + ((block * pass_.rows.outputs + out_row) * pass_.columns.outputs + column) *
                                       pass_.out_channels * kLanes
                  : nobody_.data();
          for (int half = 0; half < halves_; ++half) vectors_out_.push_back(out + half * kernels().vector);
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
    args.output = vectors_out_.data() + begin * cut_.unit;
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
  const Cut& cut_;
  std::int64_t channel_block_;
  std::int64_t channel_blocks_;
  int tile_;
  int halves_;
  const std::vector<std::vector<RowTap>>& row_taps_;
  std::int64_t ring_;
  std::int64_t low_;
  std::int64_t pixels_;
  std::int64_t pixel_floats_;
  std::int64_t row_floats_;
  std::int64_t slot_floats_;
  std::int64_t block_floats_;
  Scratch inputs_;
  Scratch partial_;
  Scratch nobody_;  ///< where results of a wide block go that has no second half
  std::vector<std::int64_t> held_;
  std::int64_t first_unit_ = -1;
  std::int64_t units_ = 0;
  std::int64_t first_pixel_ = 0;
  std::vector<Tap> taps_;
  std::vector<const float*> vectors_in_;
  std::vector<float*> vectors_out_;
};

}  // namespace

std::int64_t channel_block(const Axis& rows, const Axis& columns, std::int64_t in_channels,
                           std::int64_t pixels, std::int64_t group) {
  std::int64_t footprint = 1;
  for (const AxisClass& r : rows.classes) {
    for (const AxisClass& s : columns.classes) {
      if (r.taps.empty() || s.taps.empty()) continue;
      const std::int64_t height = std::abs(r.taps.back().shift - r.taps.front().shift) + 1;
      const std::int64_t width =
          std::abs(s.taps.back().shift - s.taps.front().shift) + 1 + (pixels - 1) * s.step;
      footprint = std::max(footprint, height * width);
    }
  }
  const auto budget = static_cast<std::int64_t>(cache_sizes().level1) * 9 / 10;
  const std::int64_t fitting = budget / (footprint * kLaneBytes) / group * group;
  return std::min(std::max(fitting, group), in_channels);
}

void walk_tiles(const TilePass& pass, std::int64_t channel_block, int tile, int row_multiple,
                const TileKernel& kernel) {
  const auto row_taps = taps_of_rows(pass.rows);
  const Cut cut(pass, tile);
  parallel_for(cut.pieces(pass), 1, [&](std::int64_t begin, std::int64_t end) {
    Walker walker(pass, cut, channel_block, tile, row_multiple, row_taps);
    for (std::int64_t piece = begin; piece < end; ++piece) walker.piece(piece, kernel);
  });
}

}  // namespace satsuma::cpu
