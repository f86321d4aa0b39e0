#pragma once

#include <array>
#include <cstdint>

#include "satsuma/core/rng.hpp"
#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Colours of grey (one channel) and RGB pictures as PIL and torchvision change them. A factor mixes: 0 is
/// the other picture, 1 is this one, and beyond 1 is away from the other, cut off at 0 and 255; bytes are
/// rounded down.

/// Mixed with black.
void adjust_brightness(Image& image, double factor);
/// Mixed with the mean of its grey values.
void adjust_contrast(Image& image, double factor);
/// Mixed with its grey values (ITU-R 601-2); a grey picture stays.
void adjust_saturation(Image& image, double factor);
/// Mixed with itself smoothed by (1 1 1, 1 5 1, 1 1 1) / 13; pixels at the border are not smoothed.
void adjust_sharpness(Image& image, double factor);
/// Hue turned by `turns`, in [-0.5, 0.5], through bytes of hue, saturation and value; a grey picture stays.
void adjust_hue(Image& image, double turns);

/// torchvision's ColorJitter: changes in a random order, each by its factor.
struct ColourJitter {
  double brightness = 0;  ///< factor in [max(0, 1 - b), 1 + b]; 0 leaves it
  double contrast = 0;
  double saturation = 0;
  double hue = 0;  ///< turns in [-h, h]

  void apply(Image& image, Rng& rng) const;
};

}  // namespace satsuma::data
