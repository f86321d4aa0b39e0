#pragma once

#include <array>
#include <cstdint>

#include "src/sat/product.hpp"

namespace satsuma::sat {

/// Positions of one tile loop whose tiles are equal.
struct Span {
  std::int64_t size = 1;   ///< channels; for pixels the images
  std::int64_t rows = 1;   ///< pixels only
  std::int64_t count = 1;  ///< positions
  bool first = false;      ///< the loop's first position (then count is 1)
  bool last = false;       ///< the loop's last position (then count is 1)
};

/// All positions of one loop, as few spans as tell apart its first, its last and its ragged tiles.
struct Spans {
  std::array<Span, 9> span = {};
  int used = 0;
  std::int64_t positions = 0;

  void add(std::int64_t size, std::int64_t rows, std::int64_t count, bool first, bool last);
  const Span* begin() const { return span.data(); }
  const Span* end() const { return span.data() + used; }
};

/// The loops of a product under a tile, indexed by Loop. Tiles larger than the product are cut to it.
std::array<Spans, 3> spans_of(const Product& product, const Tile& tile);

/// The part of `tile` that lies inside the product.
Tile clipped(const Product& product, const Tile& tile);

}  // namespace satsuma::sat
