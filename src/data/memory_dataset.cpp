#include "satsuma/data/memory_dataset.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::data {

namespace {

/// Planes [C][H * W] of each image as [H * W][C].
void interleave(std::vector<std::uint8_t>& images, const Shape& image) {
  const std::int64_t channels = image[0];
  const std::int64_t plane = image[1] * image[2];
  if (channels == 1) return;
  std::vector<std::uint8_t> one(static_cast<std::size_t>(image.numel()));
  for (auto begin = images.begin(); begin != images.end(); begin += image.numel()) {
    auto from = begin;
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t i = 0; i < plane; ++i) one[static_cast<std::size_t>(i * channels + c)] = *from++;
    }
    std::copy(one.begin(), one.end(), begin);
  }
}

}  // namespace

MemoryDataset::MemoryDataset(const Shape& image, std::int64_t classes, std::vector<std::uint8_t> images,
                             std::vector<std::int64_t> labels, std::vector<std::string> class_names)
    : image_(image),
      classes_(classes),
      images_(std::move(images)),
      labels_(std::move(labels)),
      class_names_(std::move(class_names)) {
  if (image_.rank() != 3 || image_.numel() == 0) {
    throw UsageError(fmt::format("[dataset] got images of shape {}, expected [C, H, W]", to_string(image_)));
  }
  const auto pixels = static_cast<std::size_t>(image_.numel());
  if (images_.size() / pixels != labels_.size() || images_.size() % pixels != 0) {
    throw UsageError(fmt::format("[dataset] got {} bytes of images for {} labels, expected {} bytes an image",
                                 images_.size(), labels_.size(), pixels));
  }
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] < 0 || labels_[i] >= classes_) {
      throw UsageError(fmt::format("[dataset] label {} of image {} is not in the range of {} classes",
                                   labels_[i], i, classes_));
    }
  }
  if (!class_names_.empty() && static_cast<std::int64_t>(class_names_.size()) != classes_) {
    throw UsageError(
        fmt::format("[dataset] got {} names of classes, expected {} or none", class_names_.size(), classes_));
  }
  interleave(images_, image_);
}

void MemoryDataset::read(std::int64_t index, Image& image, std::int64_t /*least_side*/) const {
  image.channels = image_[0];
  image.height = image_[1];
  image.width = image_[2];
  const auto begin = images_.begin() + index * image_.numel();
  image.pixels.assign(begin, begin + image_.numel());
}

}  // namespace satsuma::data
