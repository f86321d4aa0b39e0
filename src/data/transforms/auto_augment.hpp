#pragma once

#include <cstdint>

#include "satsuma/core/rng.hpp"
#include "satsuma/data/image.hpp"

namespace satsuma::data {

/// Changes that TrivialAugment and RandAugment choose from, in torchvision's order.
enum class Change : std::uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterize,
  solarize,
  auto_contrast,
  equalize,
};
inline constexpr int kChanges = 14;
inline constexpr int kMagnitudes = 31;

/// Which range of magnitudes holds.
enum class Policy : std::uint8_t { trivial, rand };

/// The number that magnitude `level`, 0 to 30, stands for: a factor, pixels, degrees, what is added to a
/// factor of 1, bits, or a threshold. `extent` is the side along which pixels are counted.
double magnitude(Policy policy, Change change, int level, std::int64_t extent);
/// Whether the sign of its magnitude is drawn.
bool is_signed(Change change);
/// The change by its magnitude, sign included. `scratch` is storage that is reused.
void apply_change(Image& image, Change change, double magnitude, Image& scratch);

/// TrivialAugmentWide: one change of any strength (arXiv 2103.10158).
void trivial_augment(Image& image, Rng& rng, Image& scratch);
/// RandAugment: `count` changes of strength `level` (arXiv 1909.13719).
void rand_augment(Image& image, int count, int level, Rng& rng, Image& scratch);

}  // namespace satsuma::data
