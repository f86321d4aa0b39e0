#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace satsuma::tools {

/// A path as it is typed into a shell, in the commands that are proposed.
std::string shell_quoted(const std::filesystem::path& path);

/// A path beside `path` whose name is longer by `suffix`: `runs/a-dense` of `runs/a/`.
std::filesystem::path beside(const std::filesystem::path& path, std::string_view suffix);

}  // namespace satsuma::tools
