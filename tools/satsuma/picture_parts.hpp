#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/data/file_dataset.hpp"

namespace satsuma::tools {

/// A part of a folder of pictures, with its number in a packed file.
struct PicturePart {
  std::string_view name;  ///< train, validation, test
  std::size_t number = 0;
  std::shared_ptr<const data::FileDataset> pictures;
};

/// The parts that there are at `path`; see datasets::open_folder(). Throws UsageError where that is no folder
/// or list of pictures in files.
std::vector<PicturePart> open_pictures(const std::string& path);

}  // namespace satsuma::tools
