#include "src/train/locked_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::train {

LockedFile::Lock LockedFile::system_lock() {
  return ::flock;
}

LockedFile::LockedFile(std::filesystem::path path, bool inherited, Lock lock) : path_(std::move(path)) {
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | (inherited ? 0 : O_CLOEXEC);
  for (;;) {
    state_ = State::held;
    file_ = FileDescriptor(::open(path_.c_str(), flags, 0666));
    if (!file_) throw IoError(io_message("create", path_, errno));
    do {
      error_ = lock(file_.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    } while (error_ == EINTR);
    if (error_ == EWOULDBLOCK) {
      state_ = State::taken;
      return;
    }
    if (error_ == ENOLCK || error_ == ENOSYS || error_ == EOPNOTSUPP) {
      state_ = State::no_locks;
    } else if (error_ != 0) {
      throw IoError(io_message("lock", path_, error_));
    }
    if (in_place()) return;
    // The holder has removed it between our two calls.
  }
}

LockedFile::LockedFile(LockedFile&& other) noexcept = default;

LockedFile::~LockedFile() {
  if (!file_) return;
  // Removed while it is held: who opened it meanwhile finds it gone, and tries again.
  if (state_ != State::taken && in_place()) ::unlink(path_.c_str());
}

std::string LockedFile::text() const {
  std::array<char, 200> text{};
  const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

void LockedFile::write(std::string_view text) const {
  if (::ftruncate(file_.get(), 0) != 0 || ::pwrite(file_.get(), text.data(), text.size(), 0) < 0) return;
}

/// True where the path still leads to the file that is open.
bool LockedFile::in_place() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace satsuma::train
