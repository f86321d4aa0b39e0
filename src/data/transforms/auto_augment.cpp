#include "src/data/transforms/auto_augment.hpp"

#include <cmath>

#include "src/data/transforms/affine.hpp"
#include "src/data/transforms/colour.hpp"
#include "src/data/transforms/crop.hpp"
#include "src/data/transforms/tone.hpp"

namespace satsuma::data {

namespace {

/// torch.linspace(first, last, 31) in single precision: from the nearer end, which decides what whole pixels
/// are.
double evenly(double first, double last, int level) {
  const auto begin = static_cast<float>(first);
  const auto end = static_cast<float>(last);
  const float step = (end - begin) / static_cast<float>(kMagnitudes - 1);
  return level < kMagnitudes / 2 ? std::fma(step, static_cast<float>(level), begin)
                                 : std::fma(-step, static_cast<float>(kMagnitudes - 1 - level), end);
}

/// Changes of pixel positions along x or over the whole picture count along the width.
std::int64_t extent_of(Change change, const Image& image) {
  return change == Change::translate_y ? image.height : image.width;
}

void apply_level(Image& image, Policy policy, Change change, int level, Rng& rng, Image& scratch) {
  double value = magnitude(policy, change, level, extent_of(change, image));
  const bool negative = rng.next() >> 31 != 0;
  if (is_signed(change) && negative) value = -value;
  apply_change(image, change, value, scratch);
}

}  // namespace

double magnitude(Policy policy, Change change, int level, std::int64_t extent) {
  const bool wide = policy == Policy::trivial;
  switch (change) {
    case Change::identity:
    case Change::auto_contrast:
    case Change::equalize:
      return 0;
    case Change::shear_x:
    case Change::shear_y:
      return evenly(0, wide ? 0.99 : 0.3, level);
    case Change::translate_x:
    case Change::translate_y:
      return evenly(0, wide ? 32.0 : 150.0 / 331.0 * static_cast<double>(extent), level);
    case Change::rotate:
      return evenly(0, wide ? 135.0 : 30.0, level);
    case Change::brightness:
    case Change::colour:
    case Change::contrast:
    case Change::sharpness:
      return evenly(0, wide ? 0.99 : 0.9, level);
    case Change::posterize:
      return 8 - std::nearbyint(level / ((kMagnitudes - 1) / (wide ? 6.0 : 4.0)));
    case Change::solarize:
      return evenly(255, 0, level);
  }
  return 0;
}

bool is_signed(Change change) {
  return change >= Change::shear_x && change <= Change::sharpness;
}

void apply_change(Image& image, Change change, double magnitude, Image& scratch) {
  switch (change) {
    case Change::identity:
      return;
    case Change::shear_x:
      return shear_x(image, magnitude, scratch);
    case Change::shear_y:
      return shear_y(image, magnitude, scratch);
    case Change::translate_x:
      return translate(image, static_cast<std::int64_t>(magnitude), 0, scratch);
    case Change::translate_y:
      return translate(image, 0, static_cast<std::int64_t>(magnitude), scratch);
    case Change::rotate:
      return rotate(image, magnitude, scratch);
    case Change::brightness:
      return adjust_brightness(image, 1 + magnitude);
    case Change::colour:
      return adjust_saturation(image, 1 + magnitude);
    case Change::contrast:
      return adjust_contrast(image, 1 + magnitude);
    case Change::sharpness:
      return adjust_sharpness(image, 1 + magnitude);
    case Change::posterize:
      return posterize(image, static_cast<int>(magnitude));
    case Change::solarize:
      return solarize(image, magnitude);
    case Change::auto_contrast:
      return auto_contrast(image);
    case Change::equalize:
      return equalize(image);
  }
}

void trivial_augment(Image& image, Rng& rng, Image& scratch) {
  const auto change = static_cast<Change>(draw_below(kChanges, rng));
  const auto level = static_cast<int>(draw_below(kMagnitudes, rng));
  apply_level(image, Policy::trivial, change, level, rng, scratch);
}

void rand_augment(Image& image, int count, int level, Rng& rng, Image& scratch) {
  for (int i = 0; i < count; ++i) {
    const auto change = static_cast<Change>(draw_below(kChanges, rng));
    apply_level(image, Policy::rand, change, level, rng, scratch);
  }
}

}  // namespace satsuma::data
