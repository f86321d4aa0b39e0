#include "satsuma/data/preprocess.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/data/normalise.hpp"
#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

/// A shorter side of 256 pixels then takes no more than 20 MB.
constexpr std::int64_t kMostElongated = 100;

/// [C, H, W] before the border.
Shape framed(const Shape& image, std::int64_t resize, std::int64_t crop) {
  if (image.rank() != 3 || image[0] < 1)
    throw UsageError(fmt::format("[loader] got images of shape {}, expected [C, H, W]", to_string(image)));
  if (resize < 0 || crop < 0)
    throw UsageError(fmt::format("[loader] got --resize {} and --crop {}, expected 0 or more", resize, crop));
  if (crop > 0) return {image[0], crop, crop};
  if (image.numel() == 0) {
    throw UsageError(
        "[loader] the images of this data set differ in size; say with --image-size or --crop what they are "
        "brought to");
  }
  if (resize == 0) return image;
  const std::int64_t shorter = std::min(image[1], image[2]);
  return {image[0], image[1] * resize / shorter, image[2] * resize / shorter};
}

}  // namespace

Preprocess::Preprocess(const Shape& image, const Normalisation& normalisation, std::int64_t resize,
                       std::int64_t crop)
    : output_(framed(image, resize, crop)), pad_(normalisation.pad), resize_(resize) {
  const bool resized = resize > 0 && resize != std::min(image[1], image[2]);
  resizes_ = resized || !(output_ == image);
  table_ = normalisation_table(normalisation, image[0]);
  output_ = {output_[0], output_[1] + 2 * pad_, output_[2] + 2 * pad_};
}

void Preprocess::frame(Image& image, Image& scratch) const {
  if (image.channels != output_[0])
    throw FormatError(fmt::format("an image of {} channels, expected {}", image.channels, output_[0]));
  const std::int64_t height = output_[1] - 2 * pad_;
  const std::int64_t width = output_[2] - 2 * pad_;
  const bool fits = image.height == height && image.width == width;
  if (resizes_ || !fits) {
    if (std::max(image.height, image.width) > kMostElongated * std::min(image.height, image.width)) {
      throw FormatError(
          fmt::format("an image of {}x{} pixels, expected sides that differ by at most a factor of {}",
                      image.height, image.width, kMostElongated));
    }
    if (resize_ > 0) {
      resize_shorter_side(image, resize_, scratch);
    } else if (!resizes_) {
      resize_shorter_side(image, std::max(height, width), scratch);
    }
    centre_crop(image, height, width, scratch);
  }
  if (pad_ > 0) crop(image, {-pad_, -pad_, output_[1], output_[2]}, scratch);
}

void Preprocess::operator()(Image image, std::span<float> values) const {
  if (static_cast<std::int64_t>(values.size()) != output_.numel()) {
    throw UsageError(
        fmt::format("[preprocess] got room for {} values, expected {}", values.size(), output_.numel()));
  }
  Image scratch;
  frame(image, scratch);
  const std::int64_t plane = output_[1] * output_[2];
  for (std::int64_t c = 0; c < output_[0]; ++c) {
    const float* const table = table_.data() + c * 256;
    for (std::int64_t i = 0; i < plane; ++i)
      values[static_cast<std::size_t>(c * plane + i)] =
          table[image.pixels[static_cast<std::size_t>(i * output_[0] + c)]];
  }
}

}  // namespace satsuma::data
