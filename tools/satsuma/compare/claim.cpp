#include "tools/satsuma/compare/claim.hpp"

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

}  // namespace satsuma::tools::compare
