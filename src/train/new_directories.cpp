#include "src/train/new_directories.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::train {

namespace fs = std::filesystem;

std::vector<fs::path> make_directories(const fs::path& path, std::string_view action) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path at = path; !at.empty() && !fs::exists(at, error) && !error; at = at.parent_path())
    missing.push_back(at);
  fs::create_directories(path, error);
  if (error) {
    remove_directories(missing);
    throw IoError(io_message(action, path, error.value()));
  }
  return missing;
}

void remove_directories(const std::vector<fs::path>& made) noexcept {
  std::error_code error;
  for (const fs::path& directory : made) fs::remove(directory, error);
}

}  // namespace satsuma::train
