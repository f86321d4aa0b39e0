#pragma once

#include <vector>

#include "src/sat/product.hpp"

namespace satsuma::sat {

/// Tiles that the scheduler tries for a pass, larger ones first. Along each loop these are even splits of the
/// extent: of all tiles that need as many steps the smallest, so that the last one is not ragged.
std::vector<Tile> candidate_tiles(const Config& config, const PassProducts& products);

/// Tiles that differ from `tile` by one step along one loop and fit the chip.
std::vector<Tile> neighbours(const Config& config, const PassProducts& products, const Tile& tile);

/// The tile that is taken without a search: all channels and as many pixels as fit, then fewer channels.
/// Throws UsageError when not even the smallest tile fits.
Tile first_fitting_tile(const Config& config, const PassProducts& products);

/// The least buffers for a tile, over all products of the pass.
BufferSplit buffers_for(const Config& config, const PassProducts& products, const Tile& tile);

}  // namespace satsuma::sat
