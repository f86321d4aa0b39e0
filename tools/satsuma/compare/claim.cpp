#include "tools/satsuma/compare/claim.hpp"

#include <system_error>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::tools::compare {

std::optional<train::LockedFile> claim(const std::filesystem::path& path) {
  using State = train::LockedFile::State;
  train::LockedFile file(path, true);
  if (file.state() == State::taken) return std::nullopt;
  if (file.state() == State::no_locks) throw IoError(train::io_message("lock", path, file.error()));
  return file;
}

void remove_leftover(const std::filesystem::path& path) {
  std::error_code ignored;
  // To let go of a claim is to remove it.
  if (std::filesystem::exists(path, ignored)) claim(path);
}

}  // namespace satsuma::tools::compare
