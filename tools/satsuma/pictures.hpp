#pragma once

#include <string>
#include <vector>

#include "satsuma/data/image.hpp"

namespace satsuma::tools {

/// What standard input is called.
inline constexpr const char* kStandardInput = "-";

/// The pictures that arguments of a command name: files as they are, directories as the pictures in them and
/// below (data::is_picture_name()), in the order of their bytes, `-` as itself. Throws UsageError where `-`
/// comes twice, IoError where a directory cannot be read or has no picture.
std::vector<std::string> list_pictures(const std::vector<std::string>& arguments);

/// Decodes one; `-` is the bytes of standard input, which are one picture. Throws IoError and FormatError.
data::Image read_picture(const std::string& file, std::int64_t channels, std::int64_t least_side);

/// `2 images could not be read and were passed over, such as a/3.png`, of the names of those; at least one.
std::string bad_images_text(const std::vector<std::string>& names);

}  // namespace satsuma::tools
