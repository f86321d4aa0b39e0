#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "src/train/is_there.hpp"

namespace satsuma::tools {

using train::is_there;

/// The text of a file; nothing where it is not there. Throws IoError where it cannot be read.
std::optional<std::string> text_of(const std::filesystem::path& path);

/// The last line that is not empty.
std::string last_line(const std::string& text);

}  // namespace satsuma::tools
