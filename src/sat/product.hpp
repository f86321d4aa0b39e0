#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/sat/array.hpp"
#include "satsuma/sat/schedule.hpp"

namespace satsuma::sat {

/// Along one axis of an image: how much of the dense operand `n` neighbouring pixels of the product need.
struct Window {
  std::int64_t step = 1;   ///< between neighbouring pixels
  std::int64_t span = 1;   ///< from the first tap of a pixel to behind its last
  std::int64_t limit = 1;  ///< extent of the operand

  std::int64_t needed(std::int64_t n) const;
};

/// One product of matrices that a pass consists of. FF and WU are one; BP of a convolution with stride S is
/// one for each of the S x S remainders of the position of an input pixel, for each of them meets taps of its
/// own; groups of channels are products of their own.
struct Product {
  Pass pass = Pass::ff;
  std::int64_t images = 1;
  std::int64_t rows = 1;  ///< of pixels; a 1x1 convolution without stride and padding has all in one column
  std::int64_t columns = 1;
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  std::int64_t taps = 1;
  Window window_rows;  ///< of the dense operand: X in FF and WU, dY in BP
  Window window_columns;
  Pattern pattern;
  bool kept_gradient = false;  ///< dY is the N:M operand: it stands in the columns of the array, W streams
  bool scattered = false;      ///< pixels of the output are not neighbours in memory
  std::int64_t repeats = 1;    ///< equal products

  Loop reduction() const;
  /// The loop over what stands in the columns of the array, and that over what streams past it.
  Loop columns_loop() const;
  Loop vectors_loop() const;
  /// A tile as the array sees it.
  ArrayProduct on_array(const Tile& tile) const;
};

struct PassProducts {
  std::vector<Product> products;
  std::int64_t untouched_bytes = 0;  ///< of dX that no tap meets: they are written as zeros
};

/// What a pass of a layer has to compute. The layer must have passed check().
PassProducts products_of(const Layer& layer, Pass pass);

}  // namespace satsuma::sat
