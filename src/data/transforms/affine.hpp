#pragma once

#include <array>

#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Shears, shifts and turns as torchvision does them on PIL's pictures: the pixel that is nearest, black
/// outside, the size stays. `scratch` is storage that is reused.

/// Pixel (x, y) of the result is the pixel of the input at (m0 x + m1 y + m2, m3 x + m4 y + m5), pixels
/// counted from their middles. Positions have 16 bits after the point, as in PIL.
void transform_affine(Image& image, const std::array<double, 6>& matrix, Image& scratch);
/// Row y moves by `factor` times y, along x; towards the left where it is positive.
void shear_x(Image& image, double factor, Image& scratch);
/// Column x moves by `factor` times x, along y.
void shear_y(Image& image, double factor, Image& scratch);
/// By whole pixels, to the right and down where they are positive.
void translate(Image& image, std::int64_t dx, std::int64_t dy, Image& scratch);
/// About the middle, against the clock.
void rotate(Image& image, double degrees, Image& scratch);

}  // namespace satsuma::data
