#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace satsuma::train {

/// Makes `path` and what is missing above it. Returns what was made, the deepest first. Throws IoError,
/// `cannot ACTION PATH: ...`, and leaves nothing then.
std::vector<std::filesystem::path> make_directories(const std::filesystem::path& path,
                                                    std::string_view action);

/// Takes it back: removes those that are still empty.
void remove_directories(const std::vector<std::filesystem::path>& made) noexcept;

}  // namespace satsuma::train
