#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/data/file_dataset.hpp"

namespace satsuma::data {

/// Pictures in a directory for each class.
struct ClassFolders {
  std::vector<std::string> class_names;  ///< names of the directories, in the order of their bytes
  std::vector<PictureFile> files;        ///< by class, then by path, in the order of bytes
  std::int64_t ignored = 0;              ///< files that are no pictures by their names
  std::string an_ignored;                ///< one of them
};

/// Lists `folder`/CLASS/**; nothing is decoded. A picture is a file that ends in .jpg, .jpeg, .png, .bmp or
/// .gif, in capitals or not; other files are counted. Names that begin with a dot are passed over. Symbolic
/// links are followed.
///
/// Throws IoError where a directory cannot be read, and FormatError where there is no class, one class only,
/// one without a picture, a link that leads nowhere or back to a directory above it, or a picture of a format
/// that is not read (WebP, TIFF, ...).
ClassFolders list_class_folders(const std::filesystem::path& folder);

/// True for a name that ends as a picture's does that can be read.
bool is_picture_name(std::string_view name);

/// Throws FormatError, with what is in the one and not in the other, where the classes of two parts of a data
/// set differ. The parts are what messages call them.
void require_same_classes(const std::vector<std::string>& names, std::string_view part,
                          const std::vector<std::string>& other_names, std::string_view other_part);

}  // namespace satsuma::data
