#include "src/sat/tiles.hpp"

#include <algorithm>

#include "satsuma/core/integer.hpp"

namespace satsuma::sat {

namespace {

Spans channels(std::int64_t extent, std::int64_t size) {
  Spans spans;
  const std::int64_t count = ceil_div(extent, size);
  const std::int64_t ragged = extent - (count - 1) * size;
  if (count == 1) {
    spans.add(extent, 1, 1, true, true);
    return spans;
  }
  spans.add(size, 1, 1, true, false);
  spans.add(size, 1, count - 2, false, false);
  spans.add(ragged, 1, 1, false, true);
  return spans;
}

/// Blocks of images outermost, blocks of rows inside.
Spans pixels(const Product& product, const Tile& tile) {
  Spans spans;
  const std::int64_t images = ceil_div(product.images, tile.images);
  const std::int64_t rows = ceil_div(product.rows, tile.rows);
  const std::int64_t last_images = product.images - (images - 1) * tile.images;
  const std::int64_t last_rows = product.rows - (rows - 1) * tile.rows;
  const auto add = [&](std::int64_t size, std::int64_t height, std::int64_t count, bool first, bool last) {
    spans.add(size, height, count, first, last);
  };
  if (images > 1) {
    // The first block of images, its first tile apart; the blocks between; the last block without its last
    // tile.
    if (rows == 1) {
      add(tile.images, last_rows, 1, true, false);
      add(tile.images, last_rows, images - 2, false, false);
      add(last_images, last_rows, 1, false, true);
      return spans;
    }
    add(tile.images, tile.rows, 1, true, false);
    add(tile.images, tile.rows, (images - 1) * (rows - 1) - 1, false, false);
    add(tile.images, last_rows, images - 1, false, false);
    add(last_images, tile.rows, rows - 1, false, false);
    add(last_images, last_rows, 1, false, true);
    return spans;
  }
  if (rows == 1) {
    add(last_images, last_rows, 1, true, true);
    return spans;
  }
  add(last_images, tile.rows, 1, true, false);
  add(last_images, tile.rows, rows - 2, false, false);
  add(last_images, last_rows, 1, false, true);
  return spans;
}

}  // namespace

void Spans::add(std::int64_t size, std::int64_t rows, std::int64_t count, bool first, bool last) {
  if (count <= 0) return;
  span[static_cast<std::size_t>(used++)] = {size, rows, count, first, last};
  positions += count;
}

Tile clipped(const Product& product, const Tile& tile) {
  return {std::min(tile.images, product.images), std::min(tile.rows, product.rows),
          std::min(tile.in_channels, product.in_channels), std::min(tile.out_channels, product.out_channels)};
}

std::array<Spans, 3> spans_of(const Product& product, const Tile& tile) {
  const Tile inside = clipped(product, tile);
  return {pixels(product, inside), channels(product.in_channels, inside.in_channels),
          channels(product.out_channels, inside.out_channels)};
}

}  // namespace satsuma::sat
