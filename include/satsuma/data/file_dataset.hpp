#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// A picture in a file, and the number of its class.
struct PictureFile {
  std::string path;  ///< below the folder of the data set, or absolute
  std::int64_t label = 0;

  bool operator==(const PictureFile&) const = default;
};

/// Pictures in files, decoded each time that one is read; see decode_image().
class FileDataset final : public Dataset {
 public:
  /// `image` is [C, H, W] with C = 1 (grey) or 3 (RGB); H and W of 0 stand for any size, and others are
  /// required of every picture. Throws UsageError when there are no files, or a label is out of range of the
  /// names.
  FileDataset(std::filesystem::path folder, std::vector<PictureFile> files,
              std::vector<std::string> class_names, const Shape& image = {3, 0, 0});

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  Shape image_shape() const override { return image_; }
  std::int64_t classes() const override { return static_cast<std::int64_t>(class_names_.size()); }
  std::vector<std::string> class_names() const override { return class_names_; }
  std::int64_t label(std::int64_t index) const override { return file(index).label; }
  std::string name(std::int64_t index) const override { return path(index).string(); }
  void read(std::int64_t index, Image& image, std::int64_t least_side = 0) const override;

  std::filesystem::path path(std::int64_t index) const { return folder_ / file(index).path; }
  const PictureFile& file(std::int64_t index) const { return files_[static_cast<std::size_t>(index)]; }

 private:
  std::filesystem::path folder_;
  std::vector<PictureFile> files_;
  std::vector<std::string> class_names_;
  Shape image_;
};

}  // namespace satsuma::data
