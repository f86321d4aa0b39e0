#pragma once

#include <filesystem>
#include <system_error>

namespace satsuma::train {

/// Whether something is at `path`; false, too, where that cannot be known.
inline bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace satsuma::train
