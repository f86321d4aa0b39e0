#pragma once

#include <filesystem>
#include <memory>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// The parts of a packed file; what it lacks is null.
struct PackedParts {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> validation;
  std::shared_ptr<const Dataset> test;
};

/// True for a file that begins as a packed one does. False where it cannot be read.
bool is_packed(const std::filesystem::path& path);

/// Opens a file that `satsuma data pack` has made: pictures one after the other, decoded or as the files that
/// they were, and an index at the end ([H][W][C] bytes, little-endian numbers, see
/// src/data/packed_format.hpp). `channels` is 1 (grey) or 3 (RGB). Each picture is read with one call,
/// straight to where it is needed: as fast as mapped memory, and where somebody cuts the file off meanwhile
/// it is an error and no signal.
///
/// The index is checked when the file is opened, by its sum and entry by entry against the size of the file,
/// and a picture by its sum when it is read. Throws IoError where the file cannot be read, and FormatError,
/// naming file and offset, where it is damaged, cut off or of a later version.
PackedParts open_packed(const std::filesystem::path& path, std::int64_t channels);

}  // namespace satsuma::data
