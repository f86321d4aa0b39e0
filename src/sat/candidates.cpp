#include "src/sat/candidates.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "src/sat/tiles.hpp"
#include "src/sat/transfer.hpp"

namespace satsuma::sat {

namespace {

constexpr std::int64_t kImageBlock = 16;

/// Sizes of even splits of `extent` into multiples of `unit`, largest first: 1, 2, 3, 4, 6, 8, 12, 16, ...
/// parts.
std::vector<std::int64_t> splits(std::int64_t extent, std::int64_t unit) {
  std::vector<std::int64_t> sizes;
  const std::int64_t units = ceil_div(extent, unit);
  std::int64_t parts = 1;
  std::int64_t next = 2;
  while (parts <= units) {
    const std::int64_t size = std::min(extent, ceil_div(units, parts) * unit);
    if (sizes.empty() || sizes.back() != size) sizes.push_back(size);
    // 1, 2, 3, 4, 6, 8, 12, ...: each by half more or a third more than the one before.
    const std::int64_t after =
        (next & (next - 1)) == 0 ? next + std::max<std::int64_t>(1, next / 2) : next / 3 * 4;
    parts = next;
    next = after;
  }
  if (sizes.back() != std::min(extent, unit)) sizes.push_back(std::min(extent, unit));
  return sizes;
}

const Product& largest(const PassProducts& products) {
  return *std::max_element(products.products.begin(), products.products.end(),
                           [](const Product& a, const Product& b) { return a.rows < b.rows; });
}

struct PixelTile {
  std::int64_t images = 1;
  std::int64_t rows = 1;
};

std::vector<PixelTile> pixel_tiles(const Product& product) {
  std::vector<PixelTile> tiles;
  const std::int64_t block = std::min(kImageBlock, product.images);
  for (const std::int64_t images : splits(product.images, kImageBlock)) {
    if (images > kImageBlock) tiles.push_back({images, product.rows});
  }
  for (const std::int64_t rows : splits(product.rows, 1)) tiles.push_back({block, rows});
  return tiles;
}

/// Along the channels of a loop: in the order's units where they are the reduction, whole columns of the
/// array where they stand in columns.
std::vector<std::int64_t> channel_tiles(const Config& config, const Product& product, Loop loop) {
  const std::int64_t extent = loop == Loop::in_channels ? product.in_channels : product.out_channels;
  if (loop == product.reduction()) return splits(extent, channel_unit(product.pattern));
  if (loop == product.columns_loop()) return splits(extent, config.columns);
  std::vector<std::int64_t> sizes = splits(extent, 1);
  // OS with a reduction in pieces: as many channels as the sums of one fold.
  for (std::int64_t interleave = 1; interleave <= config.accumulator_interleave; ++interleave) {
    const std::int64_t fold = config.rows * interleave / product.taps;
    if (fold >= 1 && fold < extent) sizes.push_back(fold);
  }
  std::sort(sizes.rbegin(), sizes.rend());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

bool fits(const Config& config, const PassProducts& products, const Tile& tile) {
  return buffers_for(config, products, tile).total() <= config.buffer_kib;
}

}  // namespace

BufferSplit buffers_for(const Config& config, const PassProducts& products, const Tile& tile) {
  BufferSplit need;
  for (const Product& product : products.products) {
    const BufferSplit split = split_for(config, footprint(product, clipped(product, tile)));
    need.activations = std::max(need.activations, split.activations);
    need.weights = std::max(need.weights, split.weights);
    need.output = std::max(need.output, split.output);
  }
  return need;
}

std::vector<Tile> candidate_tiles(const Config& config, const PassProducts& products) {
  const Product& product = largest(products);
  const std::vector<PixelTile> pixels = pixel_tiles(product);
  const auto in = channel_tiles(config, product, Loop::in_channels);
  const auto out = channel_tiles(config, product, Loop::out_channels);
  std::vector<Tile> tiles;
  for (const PixelTile& pixel : pixels) {
    for (const std::int64_t i : in) {
      for (const std::int64_t o : out) {
        const Tile tile{pixel.images, pixel.rows, i, o};
        if (fits(config, products, tile)) tiles.push_back(tile);
      }
    }
  }
  return tiles;
}

std::vector<Tile> neighbours(const Config& config, const PassProducts& products, const Tile& tile) {
  const Product& product = largest(products);
  std::vector<Tile> tiles;
  const auto vary = [&](std::int64_t Tile::*member, std::int64_t extent, std::int64_t step) {
    for (const std::int64_t size : {tile.*member - step, tile.*member + step}) {
      Tile other = tile;
      // Back to the step's multiples from a full extent that is none.
      other.*member = std::min(extent, ceil_div(size, step) * step);
      if (size >= 1 && !(other == tile) && fits(config, products, other)) tiles.push_back(other);
    }
  };
  if (tile.images <= kImageBlock) vary(&Tile::rows, product.rows, 1);
  if (tile.rows == product.rows) vary(&Tile::images, product.images, kImageBlock);
  const auto channels = [&](std::int64_t Tile::*member, Loop loop, std::int64_t extent) {
    const bool reduced = loop == product.reduction();
    vary(member, extent, reduced ? channel_unit(product.pattern) : 1);
    if (!reduced) vary(member, extent, config.columns);
  };
  channels(&Tile::in_channels, Loop::in_channels, product.in_channels);
  channels(&Tile::out_channels, Loop::out_channels, product.out_channels);
  return tiles;
}

Tile first_fitting_tile(const Config& config, const PassProducts& products) {
  const Product& product = largest(products);
  Tile tile{std::min(kImageBlock, product.images), product.rows, product.in_channels, product.out_channels};
  const auto shrink = [&](std::int64_t& size, const std::vector<std::int64_t>& sizes) {
    for (const std::int64_t smaller : sizes) {
      size = smaller;
      if (fits(config, products, tile)) return true;
    }
    return false;
  };
  if (shrink(tile.rows, splits(product.rows, 1)) ||
      shrink(tile.out_channels, channel_tiles(config, product, Loop::out_channels)) ||
      shrink(tile.in_channels, channel_tiles(config, product, Loop::in_channels))) {
    return tile;
  }
  throw UsageError(fmt::format(
      "buffer.kib = {} is too small, expected at least {} for the smallest tile (a row of {} pixels of {} "
      "images); take more memory or a smaller array",
      config.buffer_kib, buffers_for(config, products, tile).total(), product.columns, tile.images));
}

}  // namespace satsuma::sat
