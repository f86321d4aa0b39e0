#pragma once

#include <filesystem>

#include "registry.hpp"

namespace satsuma::datasets {

/// Photographs of 1000 classes, `train/WNID/*` and `val/WNID/*`. The validation part is what results are
/// reported on; there is no test part.
Entry imagenet();
/// Photographs of 200 classes, 64x64: `train/WNID/images/*`, `val/images/*` with `val/val_annotations.txt`.
Entry tiny_imagenet();

/// True for a directory in Tiny ImageNet's layout.
bool is_tiny_imagenet(const std::filesystem::path& folder);
/// Classes are named by WNID. Throws IoError and FormatError, naming file and line.
Splits open_tiny_imagenet(const std::filesystem::path& folder, const Options& options);

}  // namespace satsuma::datasets
