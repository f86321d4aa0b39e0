#include "satsuma/data/file_dataset.hpp"

#include <fmt/core.h>

#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/per_thread.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::data {

FileDataset::FileDataset(std::filesystem::path folder, std::vector<PictureFile> files,
                         std::vector<std::string> class_names, const Shape& image)
    : folder_(std::move(folder)),
      files_(std::move(files)),
      class_names_(std::move(class_names)),
      image_(image) {
  if (files_.empty()) {
    throw UsageError(fmt::format("[dataset] no pictures in '{}'", shown_path(folder_.string())));
  }
  for (const PictureFile& file : files_) {
    if (file.label < 0 || file.label >= classes()) {
      throw UsageError(fmt::format("[dataset] label {} of '{}' is not in the range of {} classes", file.label,
                                   shown_path(file.path), classes()));
    }
  }
}

void FileDataset::read(std::int64_t index, Image& image, std::int64_t least_side) const {
  // Grows to the largest file of this thread, once.
  static PerThread<std::vector<std::uint8_t>> buffers;
  std::vector<std::uint8_t>& bytes = buffers.get();
  const std::filesystem::path file = path(index);
  read_file(file, bytes);
  decode_image(bytes, file.string(), image_[0], image, least_side);
  if (image_[1] != 0 && (image.height != image_[1] || image.width != image_[2])) {
    throw FormatError(fmt::format("{}: a picture of {}x{} pixels, expected {}x{}", shown_path(file.string()),
                                  image.width, image.height, image_[2], image_[1]));
  }
}

}  // namespace satsuma::data
