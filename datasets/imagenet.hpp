#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "registry.hpp"
#include "satsuma/data/file_dataset.hpp"

namespace satsuma::datasets {

/// Photographs of 1000 classes, `train/WNID/*` and `val/WNID/*`. The validation part is what results are
/// reported on; there is no test part.
Entry imagenet();
/// Photographs of 200 classes, 64x64: `train/WNID/images/*`, `val/images/*` with `val/val_annotations.txt`.
Entry tiny_imagenet();

/// True for a directory in Tiny ImageNet's layout.
bool is_tiny_imagenet(const std::filesystem::path& folder);
/// What a `val_annotations.txt` lists in lines `val_0.JPEG<tab>n03444034<tab>...`, file and class, which is
/// one of `names` (in the order of their bytes). Throws FormatError, naming `source` and line.
std::vector<data::PictureFile> parse_annotations(std::string_view text, std::string_view source,
                                                 const std::vector<std::string>& names);
/// Classes are named by WNID. Throws IoError and FormatError, naming file and line.
Splits open_tiny_imagenet(const std::filesystem::path& folder, const Options& options);

}  // namespace satsuma::datasets
