#include "src/cpu/tiles.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/row_groups.hpp"
#include "src/cpu/scratch.hpp"
#include "src/cpu/shares.hpp"

namespace satsuma::cpu {

namespace {

constexpr std::int64_t kLaneBytes = kLanes * static_cast<std::int64_t>(sizeof(float));

/// True where each output reads one input pixel, and none of the padding.
bool is_pointwise(const TilePass& pass) {
  const auto one_tap = [](const Axis& axis) {
    return axis.classes.size() == 1 && axis.classes[0].taps.size() == 1;
  };
  return one_tap(pass.rows) && one_tap(pass.columns) && pass.columns.lowest() >= 0 &&
         pass.columns.highest() <= pass.columns.inputs;
}

/// Pixels (of wide blocks in a wide pass) that `vectors` vectors of outputs hold.
std::int64_t pixels_of(const TilePass& pass, int vectors) {
  return pass.wide || pass.amx ? vectors : std::max<std::int64_t>(1, vectors * kernels().vector / kLanes);
}

/// Channels of `pixels` input pixels that fit the first-level cache beside the streams of weights and sums.
std::int64_t fitting_channels(std::int64_t pixels) {
  const auto budget = static_cast<std::int64_t>(cache_sizes().level1) * 9 / 10;
  return budget / (std::max<std::int64_t>(pixels, 1) * kLaneBytes);
}

/// Where a piece of a pass lies.
struct Place {
  std::int64_t first_unit;
  std::size_t row;  ///< group of rows
  std::int64_t first_pixel;
};

/// Multiply-adds that the writing of an output takes the time of: gradients of a convolution with stride have
/// outputs without any.
constexpr std::int64_t kOutputWork = 8;

/// How a pass is cut into the pieces that are given to threads: a set of image blocks, a group of output
/// rows, and a chunk of their pixels. Where pieces are few, threads share the output channels of one.
struct Cut {
  /// Tiles read the tensor, nothing is copied: pointwise passes, unless the copy is used often. It pays soon
  /// for pixels of several image blocks: these lie powers of two apart often enough that Zen's prediction of
  /// cache ways, which folds address bits, takes one for another.
  bool in_place;
  bool tile_by_tile;    ///< a row's inputs are copied a chunk at a time: what a pointwise pass copies is used
                        ///< once
  std::int64_t unit;    ///< image blocks behind an input vector: 2 in a wide pass
  std::int64_t groups;  ///< units whose rows are worked on together, so that narrow images fill a tile
  std::int64_t sets;
  std::vector<RowGroup> rows;
  std::int64_t chunks;
  std::int64_t chunk;  ///< output pixels, of each class of columns
  std::int64_t panel;  ///< output channels that stay together
  std::int64_t panels;

  Cut(const TilePass& pass, const TileShape& shape, int row_multiple) {
    unit = pass.wide ? 2 : 1;
    const std::int64_t pixels = pixels_of(pass, shape.vectors);
    const std::int64_t widest = pass.columns.widest();
    const std::int64_t units = ceil_div(pass.blocks, unit);
    groups = std::clamp<std::int64_t>(pixels / widest, 1, units);
    sets = ceil_div(units, groups);
    groups = ceil_div(units, sets);
    in_place = is_pointwise(pass) && !pass.wide && !pass.amx && pass.out_channels < (groups > 1 ? 64 : 512);
    tile_by_tile = is_pointwise(pass) && !in_place;
    rows = row_groups(pass.rows, shape.lines);
    chunk = tile_by_tile ? std::min(pixels, widest) : widest;
    chunks = ceil_div(widest, chunk);
    panel = row_multiple;
    panels = ceil_div(pass.out_channels, panel);
  }

  std::int64_t pieces() const { return sets * static_cast<std::int64_t>(rows.size()) * chunks; }

  Place place(std::int64_t index) const {
    const std::int64_t row_index = index / chunks;
    const auto row_groups = static_cast<std::int64_t>(rows.size());
    return {row_index / row_groups * groups, static_cast<std::size_t>(row_index % row_groups),
            index % chunks * chunk};
  }

  /// Multiply-adds and outputs of one output channel in a piece.
  struct Size {
    std::int64_t products;
    std::int64_t outputs;
  };
  Size size(const TilePass& pass, std::int64_t index) const {
    const Place at = place(index);
    const RowGroup& group = rows[at.row];
    // A wide block of which one half holds images takes as long as a whole one.
    const std::int64_t blocks = std::min(groups, ceil_div(pass.blocks, unit) - at.first_unit) * unit;
    std::int64_t pixels = 0;
    std::int64_t taps = 0;  // of all pixels
    for (const AxisClass& columns : pass.columns.classes) {
      const std::int64_t count = std::clamp<std::int64_t>(columns.count - at.first_pixel, 0, chunk);
      pixels += count;
      taps += count * static_cast<std::int64_t>(columns.taps.size() * group.taps.size());
    }
    const std::int64_t outputs = blocks * kLanes * group.lines;
    return {outputs * taps * pass.in_channels, outputs * pixels};
  }

  /// The whole pass in equal shares for up to `threads` threads.
  std::vector<Share> shares(const TilePass& pass, std::int64_t threads) const {
    std::vector<Piece> line;
    std::int64_t products = 0;
    for (std::int64_t i = 0; i < pieces(); ++i) {
      const Size all = size(pass, i);
      line.push_back({(all.products + all.outputs * kOutputWork) * panels * panel, panels});
      products += all.products * panels * panel;
    }
    return equal_shares(line, useful_threads(products, threads));
  }

  /// Input rows that are held at a time.
  std::int64_t ring() const {
    if (in_place) return 0;
    std::int64_t most = 1;
    for (const RowGroup& group : rows) most = std::max(most, group.span());
    return most;
  }
};

/// The walk of one thread: its scratch memory, and the ring of input rows in it.
class Walker {
 public:
  Walker(const TilePass& pass, const Cut& cut, const TileShape& shape, int row_multiple)
      : pass_(pass),
        cut_(cut),
        channel_block_(shape.channel_block),
        channel_blocks_(ceil_div(pass.in_channels, channel_block_)),
        panels_(ceil_div(pass.out_channels, row_multiple)),
        vectors_(shape.vectors),
        halves_(pass.wide || pass.amx ? 1 : static_cast<int>(kLanes) / kernels().vector),
        ring_(cut.ring()),
        low_(cut.in_place || cut.tile_by_tile ? 0 : std::min<std::int64_t>(0, pass.columns.lowest())),
        pixels_(cut.in_place       ? 0
                : cut.tile_by_tile ? cut.chunk
                                   : std::max(pass.columns.highest(), pass.columns.inputs) - low_),
        pixel_floats_((cut.in_place ? pass.in_channels : channel_block_) * (pass.amx ? kLanes / 2 : kLanes)),
        row_floats_(pixels_ * pixel_floats_),
        slot_floats_(cut.groups * row_floats_),
        block_floats_(cut.in_place ? channel_block_ * kLanes : ring_ * slot_floats_),
        inputs_(channel_blocks_ * ring_ * slot_floats_),
        partial_(pass.amx ? 0
                          : panels_ * row_multiple * vectors_ * (pass.wide ? kWideLanes : kernels().vector)),
        nobody_(pass.blocks % cut.unit != 0 ? pass.out_channels * kLanes : 0),
        held_(static_cast<std::size_t>(ring_)) {}

  void run(const Share& share, const TileKernel& kernel) {
    for (std::int64_t i = share.first.piece; i < share.end_piece(); ++i) {
      const Share::Units panels = share.units(i, {0, panels_});
      first_channel_ = panels.begin * cut_.panel;
      channels_ = std::min(panels.end * cut_.panel, pass_.out_channels) - first_channel_;
      if (channels_ > 0) piece(i, i + 1 < share.end_piece(), kernel);
    }
  }

 private:
  void piece(std::int64_t index, bool another, const TileKernel& kernel) {
    const Place place = cut_.place(index);
    if (place.first_unit != first_unit_ || place.first_pixel != first_pixel_) {
      first_unit_ = place.first_unit;
      first_pixel_ = place.first_pixel;
      std::fill(held_.begin(), held_.end(), -1);
    }
    units_ = std::min(cut_.groups, ceil_div(pass_.blocks, cut_.unit) - first_unit_);
    const RowGroup& rows = cut_.rows[place.row];
    ahead_.clear();
    if (!cut_.in_place) {
      for (const RowTap& tap : rows.taps) {
        for (int line = 0; line < rows.lines; ++line) hold(tap.row[static_cast<std::size_t>(line)]);
      }
      if (another) look_ahead(cut_.place(index + 1));
    }
    ahead_quota_ = ceil_div(static_cast<std::int64_t>(ahead_.size()), calls_for(rows));
    ahead_begin_ = 0;
    for (const AxisClass& columns : pass_.columns.classes) class_of_columns(columns, rows, kernel);
  }

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
        // Dense kernels read wide channels in pairs, of which the last may have one channel only; AMX reads
        // whole tiles.
        const std::int64_t zeros = pass_.amx    ? pixel_floats_
                                   : pass_.wide ? ceil_div(channels, 2) * 2 * kLanes
                                                : channels * kLanes;
        float* const to = inputs_.data() + block * block_floats_ + slot * slot_floats_ + g * row_floats_;
        for (std::int64_t p = 0; p < pixels_; ++p) {
          const std::int64_t column = column_of(p, first_pixel_);
          if (column < 0) {
            std::memset(to + p * pixel_floats_, 0, static_cast<std::size_t>(zeros) * sizeof(float));
          } else {
            const std::int64_t at = (column * pass_.in_channels + first) * kLanes;
            copy_pixel(from + at, second ? second + at : nullptr, channels, to + p * pixel_floats_);
          }
        }
      }
    }
  }

  /// Notes the lines of input rows that the piece at `next` will copy: kernels fetch them meanwhile, so that
  /// the copy finds them in the second-level cache.
  void look_ahead(const Place& next) {
    const bool same_images = next.first_unit == first_unit_ && next.first_pixel == first_pixel_;
    const std::int64_t last_block = std::min((next.first_unit + cut_.groups) * cut_.unit, pass_.blocks);
    std::int64_t noted = -1;
    const RowGroup& rows = cut_.rows[next.row];
    for (const RowTap& tap : rows.taps) {
      for (int line = 0; line < rows.lines; ++line) {
        const std::int64_t row = tap.row[static_cast<std::size_t>(line)];
        const bool held = same_images && held_[static_cast<std::size_t>(row % ring_)] == row;
        if (held || row <= noted) continue;
        noted = row;
        for (std::int64_t block = next.first_unit * cut_.unit; block < last_block; ++block)
          note_row(input_row(block, row), next.first_pixel);
      }
    }
  }

  void note_row(const float* from, std::int64_t first_pixel) {
    const std::int64_t pixels = cut_.tile_by_tile ? pixels_ : pass_.columns.inputs;
    for (std::int64_t p = 0; p < pixels; ++p) {
      const std::int64_t column = cut_.tile_by_tile ? column_of(p, first_pixel) : p;
      if (column < 0) continue;
      const float* const pixel = from + column * pass_.in_channels * kLanes;
      for (std::int64_t c = 0; c < pass_.in_channels; ++c) ahead_.push_back(pixel + c * kLanes);
    }
  }

  /// About how many tiles and blocks of channels the kernel is called for in a group of rows.
  std::int64_t calls_for(const RowGroup& rows) const {
    const std::int64_t vectors = cut_.groups * cut_.chunk * halves_;
    return ceil_div(vectors, vectors_ / rows.lines) * channel_blocks_ *
           static_cast<std::int64_t>(pass_.columns.classes.size());
  }

  /// Input column of position `p` of a row in the ring whose outputs start at `first_pixel`; -1 on padding.
  std::int64_t column_of(std::int64_t p, std::int64_t first_pixel) const {
    std::int64_t column = p + low_;
    if (cut_.tile_by_tile) {
      const AxisClass& all = pass_.columns.classes[0];
      column = all.taps[0].shift + (first_pixel + p) * all.step;
    }
    return column < pass_.columns.inputs ? column : -1;
  }

  void copy_pixel(const float* first, const float* second, std::int64_t channels, float* to) const {
    if (pass_.amx) return amx_forms().pack(first, channels, to);
    if (!pass_.wide) {
      std::memcpy(to, first, static_cast<std::size_t>(channels * kLaneBytes));
      return;
    }
    bf16_kernels()->pack_wide(first, second, channels, to);
    if (channels % 2 != 0) std::memset(to + channels * kLanes, 0, kLaneBytes);
  }

  /// Floats from the first input row to `row`, in the ring or in the tensor.
  std::int64_t place_of(std::int64_t row) const {
    return cut_.in_place ? row * pass_.columns.inputs * pixel_floats_ : (row % ring_) * slot_floats_;
  }

  /// The outputs of one class of columns in a group of rows.
  void class_of_columns(const AxisClass& columns, const RowGroup& rows, const TileKernel& kernel) {
    collect_taps(columns, rows);
    collect_vectors(columns, rows);
    // Tiles of equal size: two of six cost less than one of eight and one of four.
    const auto vectors = static_cast<std::int64_t>(vectors_in_.size());
    const std::int64_t tiles = ceil_div(vectors, vectors_ / rows.lines);
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t begin = vectors * i / tiles;
      run(begin, static_cast<int>(vectors * (i + 1) / tiles - begin), rows.lines, kernel);
    }
  }

  /// The taps of a class of columns in a group of rows: those of one block of input channels, or of several
  /// blocks one after the other where so many fit the cache, since few taps need few pixels.
  void collect_taps(const AxisClass& columns, const RowGroup& rows) {
    taps_.clear();
    const std::int64_t pixels = pixels_of(pass_, vectors_ / rows.lines);
    const std::int64_t inputs = rows.span() * columns.span(pixels);
    merged_ = std::clamp<std::int64_t>(fitting_channels(inputs) / channel_block_, 1,
                                       std::max<std::int64_t>(1, pass_.in_channels / channel_block_));
    const std::int64_t block_weights = panels_ * pass_.kernel_taps;
    for (std::int64_t block = 0; block < merged_; ++block) {
      for (const RowTap& r : rows.taps) {
        for (const AxisTap& s : columns.taps) {
          const std::int64_t pixel = cut_.tile_by_tile ? 0 : s.shift - low_;
          Tap tap{{}, static_cast<std::int32_t>(block * block_weights + r.tap * pass_.kernel_width + s.tap)};
          for (int line = 0; line < rows.lines; ++line) {
            const std::int64_t at = place_of(r.row[static_cast<std::size_t>(line)]) + pixel * pixel_floats_ +
                                    block * block_floats_;
            tap.input[line] = at * static_cast<std::int64_t>(sizeof(float));
          }
          taps_.push_back(tap);
        }
      }
    }
    block_taps_ = static_cast<std::int64_t>(taps_.size()) / merged_;
  }

  /// Input and output vectors of a class of columns, those of the outputs for each line.
  void collect_vectors(const AxisClass& columns, const RowGroup& rows) {
    vectors_in_.clear();
    for (auto& line : vectors_out_) line.clear();
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
        for (std::size_t line = 0; line < static_cast<std::size_t>(rows.lines); ++line) {
          for (std::int64_t block = unit * cut_.unit; block < (unit + 1) * cut_.unit; ++block) {
            float* const out = output_pixel(block, rows.output[line], column);
            for (int half = 0; half < halves_; ++half)
              vectors_out_[line].push_back(out + half * kernels().vector);
          }
        }
      }
    }
  }

  float* output_pixel(std::int64_t block, std::int64_t row, std::int64_t column) {
    if (block >= pass_.blocks) return nobody_.data();
    return pass_.output + ((block * pass_.rows.outputs + row) * pass_.columns.outputs + column) *
                              pass_.out_channels * kLanes;
  }

  /// `count` vectors of each line from vector `begin` on: all blocks of input channels.
  void run(std::int64_t begin, int count, int lines, const TileKernel& kernel) {
    const float* inputs[kMostVectors];
    float* outputs[kMostVectors];
    for (int line = 0; line < lines; ++line) {
      const auto* const from = vectors_out_[static_cast<std::size_t>(line)].data() + begin * cut_.unit;
      std::copy_n(from, count * cut_.unit, outputs + line * count * cut_.unit);
    }
    TileArgs args;
    args.lines = lines;
    args.count = count;
    args.input = inputs;
    args.output = outputs;
    args.taps = taps_.data();
    args.row = static_cast<int>(first_channel_);
    args.rows = static_cast<int>(channels_);
    args.partial = partial_.data();
    args.bias = pass_.bias;
    const std::int64_t whole_blocks = pass_.in_channels / channel_block_;
    args.last = false;
    for (std::int64_t block = 0; !args.last;) {
      // A last block that is not whole has weights of another length, and stands alone.
      const std::int64_t merged = std::clamp<std::int64_t>(whole_blocks - block, 1, merged_);
      for (int v = 0; v < count; ++v)
        inputs[v] = vectors_in_[static_cast<std::size_t>(begin + v)] + block * block_floats_;
      args.tap_count = static_cast<int>(merged * block_taps_);
      // Where no kernel position reaches an output, nothing is to be added to it, block by block.
      args.last = block + merged == channel_blocks_ || block_taps_ == 0;
      const auto left = static_cast<std::int64_t>(ahead_.size()) - ahead_begin_;
      args.ahead = ahead_.data() + ahead_begin_;
      args.ahead_count = static_cast<int>(std::min(ahead_quota_, left));
      ahead_begin_ += args.ahead_count;
      kernel(args, block);
      args.first = false;
      block += merged;
    }
  }

  static constexpr int kMostVectors = 16;

  const TilePass& pass_;
  const Cut& cut_;
  std::int64_t channel_block_;
  std::int64_t channel_blocks_;
  std::int64_t panels_;
  int vectors_;
  int halves_;
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
  std::int64_t first_channel_ = 0;
  std::int64_t channels_ = 0;
  std::vector<Tap> taps_;
  std::int64_t block_taps_ = 0;  ///< taps of one block of input channels
  std::int64_t merged_ = 1;      ///< blocks of input channels that `taps_` covers
  std::vector<const float*> vectors_in_;
  std::array<std::vector<float*>, kMostLines> vectors_out_;
  std::vector<const float*> ahead_;  ///< cache lines that the next piece will copy
  std::int64_t ahead_quota_ = 0;     ///< of them, to be fetched by each call of the kernel
  std::int64_t ahead_begin_ = 0;
};

/// Input pixels behind a tile of `lines` by `pixels` outputs, with their halo.
std::int64_t footprint(const Axis& rows, const Axis& columns, std::int64_t lines, std::int64_t pixels) {
  std::int64_t most = 1;
  for (const AxisClass& r : rows.classes) {
    for (const AxisClass& s : columns.classes) {
      if (r.taps.empty() || s.taps.empty()) continue;
      most = std::max(most, r.span(lines) * s.span(pixels));
    }
  }
  return most;
}

}  // namespace

TileShape tile_shape(const TilePass& pass, int vectors, std::int64_t group) {
  TileShape shape{vectors, 1, 0};
  const std::int64_t pixels = pixels_of(pass, vectors);
  std::int64_t inputs = footprint(pass.rows, pass.columns, 1, pixels);
  if (!pass.wide && pixels >= 2 * kMostLines && pass.rows.classes.size() == 1) {
    const std::int64_t two_lines = footprint(pass.rows, pass.columns, 2, pixels / 2);
    if (two_lines < inputs) shape.lines = 2;
    inputs = std::min(inputs, two_lines);
  }
  const std::int64_t fitting = fitting_channels(inputs) / group * group;
  shape.channel_block = std::min(std::max(fitting, group), pass.in_channels);
  return shape;
}

void walk_tiles(const TilePass& pass, const TileShape& shape, int row_multiple, const TileKernel& kernel) {
  const Cut cut(pass, shape, row_multiple);
  const std::vector<Share> shares = cut.shares(pass, threads());
  parallel_for(static_cast<std::int64_t>(shares.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    const AmxScope scope(pass.amx);
    for (std::int64_t i = begin; i < end; ++i)
      Walker(pass, cut, shape, row_multiple).run(shares[static_cast<std::size_t>(i)], kernel);
  });
}

std::vector<std::int64_t> tile_shares(const TilePass& pass, const TileShape& shape, int row_multiple,
                                      std::int64_t threads) {
  const Cut cut(pass, shape, row_multiple);
  std::vector<std::int64_t> products;
  for (const Share& share : cut.shares(pass, threads)) {
    std::int64_t& sum = products.emplace_back(0);
    for (std::int64_t i = share.first.piece; i < share.end_piece(); ++i) {
      const Share::Units panels = share.units(i, {0, cut.panels});
      sum += cut.size(pass, i).products * (panels.end - panels.begin) * cut.panel;
    }
  }
  return products;
}

}  // namespace satsuma::cpu
