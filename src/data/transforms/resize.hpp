#pragma once

#include <cstdint>

#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// A rectangle of pixels.
struct Box {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// The pixels of `box` at another size, bilinear with antialiasing exactly as PIL does it: a triangle over
/// the input pixels that an output pixel covers (at least two), weights of 22 bits after the point, along
/// rows and along columns, rounded to bytes after each. Columns come first where the rows that are lost are
/// more than twice the columns: what Pillow 13.0 was observed to do (docs/images.md); versions before began
/// with rows. Nothing outside the box is seen. `to` is another picture than `from`.
void resize_bilinear(const Image& from, const Box& box, std::int64_t height, std::int64_t width, Image& to);

}  // namespace satsuma::data
