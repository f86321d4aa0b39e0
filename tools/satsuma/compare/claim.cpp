#include "tools/satsuma/compare/claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::tools::compare {

namespace {

/// True where `path` still leads to the open file: its holder may have removed it between our two calls.
bool in_place(int file, const std::filesystem::path& path) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file, &ours) == 0 && ::lstat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

}  // namespace

std::optional<Claim> Claim::take(const std::filesystem::path& path) {
  for (;;) {
    // Without O_CLOEXEC: the child that trains holds it, too.
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
    if (file < 0) throw IoError(train::io_message("create", path, errno));
    int error = 0;
    while (::flock(file, LOCK_EX | LOCK_NB) != 0 && (error = errno) == EINTR) error = 0;
    if (error == 0 && in_place(file, path)) return Claim(path, file);
    ::close(file);
    if (error == EWOULDBLOCK) return std::nullopt;
    if (error != 0) throw IoError(train::io_message("lock", path, error));
  }
}

Claim::Claim(Claim&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

Claim::~Claim() {
  if (file_ < 0) return;
  // Removed while it is held: who opens it now finds it gone, and tries again.
  ::unlink(path_.c_str());
  ::close(file_);
}

}  // namespace satsuma::tools::compare
