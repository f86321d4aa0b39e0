#include "src/sat/transfer.hpp"

#include <algorithm>
#include <bit>

#include "satsuma/core/integer.hpp"
#include "src/sat/checked.hpp"

namespace satsuma::sat {

namespace {

constexpr std::int64_t kHalf = 2;    // bytes of FP16
constexpr std::int64_t kSingle = 4;  // bytes of FP32
constexpr std::int64_t kLanes = 16;  // images side by side in memory

Transfer runs(const Config& config, std::int64_t bytes, std::int64_t run) {
  if (bytes == 0) return {};
  return {bytes,
          times(ceil_div(bytes, run), ceil_div(run, config.dram_burst_bytes) * config.dram_burst_bytes), 0};
}

/// Kept values of `length` elements along the groups beside `others` vectors.
std::int64_t kept_values(Pattern pattern, std::int64_t length, std::int64_t others) {
  return others * (pattern.dense() ? length : kept_along(pattern, length));
}

bool input_is_activation(const Product& product) {
  return product.pass != Pass::bp;
}

std::int64_t activation_channels(const Product& product, const Tile& tile) {
  return input_is_activation(product) ? tile.in_channels : tile.out_channels;
}

std::int64_t window_pixels(const Product& product, const Tile& tile) {
  return tile.images * product.window_rows.needed(tile.rows) * product.window_columns.needed(product.columns);
}

}  // namespace

std::int64_t index_bits(Pattern pattern) {
  return pattern.dense() ? 0 : std::bit_width(static_cast<unsigned>(pattern.m - 1));
}

std::int64_t index_bytes(Pattern pattern, std::int64_t values) {
  return ceil_div(times(values, index_bits(pattern)), 8);
}

Transfer pixel_transfer(const Config& config, const PixelBlock& block) {
  const std::int64_t pixel = block.channels * std::min(kLanes, block.images) * block.element;
  std::int64_t run = pixel;
  if (block.all_channels && block.adjacent) run = times(run, block.columns);
  if (block.all_channels && block.adjacent && block.all_columns) run = times(run, block.rows);
  const std::int64_t bytes =
      times(times(block.images * block.element, block.rows * block.columns), block.channels);
  return runs(config, bytes, run);
}

Transfer weight_transfer(const Config& config, const Product& product, const Tile& tile, bool packed) {
  const bool ff = product.pass == Pass::ff;
  const std::int64_t length = ff ? tile.in_channels : tile.out_channels;
  const std::int64_t others = (ff ? tile.out_channels : tile.in_channels) * product.taps;
  const Pattern pattern = packed && !product.kept_gradient ? product.pattern : Pattern{};
  const std::int64_t values = kept_values(pattern, length, others);
  const std::int64_t indices = index_bytes(pattern, values);
  const std::int64_t bytes = values * kHalf + indices;
  Transfer transfer = runs(config, bytes, bytes);
  transfer.indices = indices;
  return transfer;
}

Transfer activation_transfer(const Config& config, const Product& product, const Tile& tile) {
  const bool input = input_is_activation(product);
  const std::int64_t channels = activation_channels(product, tile);
  PixelBlock block;
  block.images = tile.images;
  block.rows = product.window_rows.needed(tile.rows);
  block.columns = product.window_columns.needed(product.columns);
  block.channels = channels;
  block.all_channels = channels == (input ? product.in_channels : product.out_channels);
  block.all_columns =
      block.columns == product.window_columns.limit && product.window_rows.step <= product.window_rows.span;
  block.adjacent = product.window_columns.step <= product.window_columns.span;
  return pixel_transfer(config, block);
}

Transfer gradient_transfer(const Config& config, const Product& product, const Tile& tile) {
  PixelBlock block;
  block.images = tile.images;
  block.rows = tile.rows;
  block.columns = product.columns;
  block.channels = tile.out_channels;
  block.all_channels = tile.out_channels == product.out_channels;
  return pixel_transfer(config, block);
}

Transfer output_transfer(const Config& config, const Product& product, const Tile& tile, bool partial) {
  if (product.pass == Pass::wu) {
    // Only sums that are not finished: a finished gradient goes to WUVE on the chip.
    const std::int64_t bytes =
        partial ? times(tile.in_channels * product.taps, tile.out_channels) * kSingle : 0;
    return runs(config, bytes, std::max<std::int64_t>(bytes, 1));
  }
  const bool ff = product.pass == Pass::ff;
  PixelBlock block;
  block.images = tile.images;
  block.rows = tile.rows;
  block.columns = product.columns;
  block.channels = ff ? tile.out_channels : tile.in_channels;
  block.all_channels = block.channels == (ff ? product.out_channels : product.in_channels);
  block.adjacent = !product.scattered;
  block.element = partial ? kSingle : kHalf;
  return pixel_transfer(config, block);
}

Footprint footprint(const Product& product, const Tile& tile) {
  const std::int64_t pixels = tile.images * tile.rows * product.columns;
  Footprint need;
  need.activations = window_pixels(product, tile) * activation_channels(product, tile) * kHalf;
  if (product.pass == Pass::wu) {
    need.weights = pixels * tile.out_channels * kHalf;
    need.output = tile.in_channels * product.taps * tile.out_channels * kSingle;
    return need;
  }
  // What SORE prunes on the way is packed when it arrives in the buffer.
  const bool ff = product.pass == Pass::ff;
  const std::int64_t length = ff ? tile.in_channels : tile.out_channels;
  const std::int64_t others = (ff ? tile.out_channels : tile.in_channels) * product.taps;
  const auto packed_bytes = [&](std::int64_t vectors) {
    const std::int64_t values = kept_values(product.pattern, length, vectors);
    return values * kHalf + index_bytes(product.pattern, values);
  };
  if (product.kept_gradient) {
    need.activations = packed_bytes(window_pixels(product, tile));
    need.weights = length * others * kHalf;
  } else {
    need.weights = packed_bytes(others);
  }
  need.output = pixels * (ff ? tile.out_channels : tile.in_channels) * kSingle;
  return need;
}

BufferSplit split_for(const Config& config, const Footprint& need) {
  const auto banks = [&](std::int64_t bytes) {
    return ceil_div(2 * bytes, config.buffer_bank_kib * 1024) * config.buffer_bank_kib;
  };
  return {banks(need.activations), banks(need.weights), banks(need.output)};
}

}  // namespace satsuma::sat
