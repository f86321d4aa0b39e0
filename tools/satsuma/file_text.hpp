#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace satsuma::tools {

bool is_there(const std::filesystem::path& path);

/// The text of a file; nothing where it is not there. Throws IoError where it cannot be read.
std::optional<std::string> text_of(const std::filesystem::path& path);

/// The last line that is not empty.
std::string last_line(const std::string& text);

}  // namespace satsuma::tools
