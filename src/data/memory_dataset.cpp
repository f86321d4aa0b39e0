#include "satsuma/data/memory_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::data {

MemoryDataset::MemoryDataset(const Shape& image, std::int64_t classes, std::vector<std::uint8_t> images,
                             std::vector<std::int64_t> labels)
    : image_(image), classes_(classes), images_(std::move(images)), labels_(std::move(labels)) {
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
}

void MemoryDataset::read(std::int64_t index, std::span<std::uint8_t> image) const {
  const auto begin = images_.begin() + index * image_.numel();
  std::copy(begin, begin + image_.numel(), image.begin());
}

}  // namespace satsuma::data
