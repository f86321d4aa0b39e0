#pragma once

#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// Images of one size and their labels, held in memory.
class MemoryDataset final : public Dataset {
 public:
  /// `image` is [C, H, W]; `images` are N of them, row-major: a plane for each channel, as IDX and CIFAR
  /// files have them. `labels` are N numbers in [0, classes); `class_names` are as many as there are classes,
  /// or none. Throws UsageError when the sizes do not fit each other or a label is out of range.
  MemoryDataset(const Shape& image, std::int64_t classes, std::vector<std::uint8_t> images,
                std::vector<std::int64_t> labels, std::vector<std::string> class_names = {});

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  Shape image_shape() const override { return image_; }
  std::int64_t classes() const override { return classes_; }
  std::vector<std::string> class_names() const override { return class_names_; }
  std::int64_t label(std::int64_t index) const override { return labels_[static_cast<std::size_t>(index)]; }
  void read(std::int64_t index, Image& image, std::int64_t least_side = 0) const override;

 private:
  Shape image_;
  std::int64_t classes_;
  std::vector<std::uint8_t> images_;  // interleaved
  std::vector<std::int64_t> labels_;
  std::vector<std::string> class_names_;
};

}  // namespace satsuma::data
