#pragma once

#include <cstdint>

#include "satsuma/core/rng.hpp"
#include "satsuma/data/image.hpp"
#include "src/data/transforms/resize.hpp"

namespace satsuma::data {

/// What is outside the picture is black in all of these. `scratch` is storage that is reused.

/// The pixels of `box`, which may reach beyond the picture.
void crop(Image& image, const Box& box, Image& scratch);
/// Pixels of each row in the opposite order.
void flip_horizontally(Image& image);
/// The middle `height` x `width` pixels as torchvision's CenterCrop takes them: half a pixel goes to the even
/// side.
void centre_crop(Image& image, std::int64_t height, std::int64_t width, Image& scratch);
/// The shorter side at `side` pixels, the longer one in proportion, rounded down: torchvision's Resize(side).
void resize_shorter_side(Image& image, std::int64_t side, Image& scratch);

/// A box of 8 to 100 % of the area and of a side ratio of 3:4 to 4:3, even in the logarithm, anywhere:
/// torchvision's RandomResizedCrop. After ten boxes that do not fit the middle of the picture.
Box draw_resized_crop(std::int64_t height, std::int64_t width, Rng& rng);

/// Uniform in [low, high).
double draw_between(double low, double high, Rng& rng);
/// Uniform in [0, count), of one 32-bit draw: the bias is at most count * 2^-32.
std::int64_t draw_below(std::int64_t count, Rng& rng);

}  // namespace satsuma::data
