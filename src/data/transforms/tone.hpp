#pragma once

#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Bytes replaced by others, as PIL's ImageOps does it.

/// Keeps the upper `bits` of each byte, 0 to 8.
void posterize(Image& image, int bits);
/// Bytes of `threshold` and above become 255 minus themselves.
void solarize(Image& image, double threshold);
/// Stretches each channel so that its least byte becomes 0 and its greatest 255.
void auto_contrast(Image& image);
/// Makes the histogram of each channel as even as a table of bytes can.
void equalize(Image& image);

}  // namespace satsuma::data
