#include "satsuma/train/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/core/file_descriptor.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::train {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr const char* kTemporary = ".tmp";

int open_file(const char* path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

/// What a symbolic link stands for, be it there or not.
fs::path followed(fs::path path) {
  constexpr int kMostLinks = 40;
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, error); ++i)
    path = path.parent_path() / fs::read_symlink(path, error);
  return path;
}

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
      return "; free some space or choose another directory";
    case EDQUOT:
      return "; the disk quota is used up";
    case EFBIG:
      return "; the limit on file sizes (ulimit -f) is too low";
    case EACCES:
    case EPERM:
      return "; check the permissions of the directory or choose another one";
    case EROFS:
      return "; choose a directory on a disk that can be written";
    case ENOENT:
      return "; the directory does not exist";
    case EIO:
      return "; the disk may be failing";
    default:
      return "";
  }
}

}  // namespace

const FileCalls& system_calls() {
  static const FileCalls calls = {open_file, ::write, ::fsync, ::close, std::rename};
  return calls;
}

std::string io_message(std::string_view action, const fs::path& path, int error) {
  return fmt::format("cannot {} {}: {}{}", action, shown_path(path.string()),
                     std::generic_category().message(error), advice(error));
}

void remove_leftovers(const fs::path& path) {
  const std::string prefix = path.filename().string() + kTemporary;
  std::error_code error;
  for (fs::directory_iterator at(directory_of(path), error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(prefix) ||
        name.find_first_not_of("0123456789-", prefix.size()) != std::string::npos)
      continue;
    const FileDescriptor file(::open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    // Whose writer lives is locked, on whatever host that is.
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(at->path().c_str());
  }
}

AtomicFile::AtomicFile(fs::path path, const FileCalls& calls) : path_(std::move(path)), calls_(calls) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    // Not by what its links say: those of /dev/fd lead to names such as `pipe:[7]`.
    file_ = calls_.open(path_.c_str(), O_WRONLY | O_CLOEXEC, 0);
    if (file_ < 0) fail("write");
  } else {
    target_ = followed(path_);
    remove_leftovers(target_);
    open_temporary();
  }
}

void AtomicFile::open_temporary() {
  static std::atomic<unsigned> number = 0;
  for (;;) {
    fs::path name = target_;
    name += fmt::format("{}{}-{}", kTemporary, ::getpid(), number++);
    file_ = calls_.open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    // A process of another host or container may have the same number.
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) fail("create");
    // Where the file system has no locks the name alone has to do.
    ::flock(file_, LOCK_EX);
    struct stat status {};
    if (::fstat(file_, &status) != 0 || status.st_nlink > 0) {
      temporary_ = std::move(name);
      return;
    }
    // Another writer took it for a leftover before it was locked.
    ::close(file_);
  }
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (file_ >= 0) ::close(file_);
}

void AtomicFile::fail(std::string_view action) {
  // A constructor that throws runs no destructor, and errno must survive what follows.
  const std::string message = io_message(action, path_, errno);
  throw IoError(message);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() >= kBuffer) {
    write_now(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::flush() {
  write_now(buffer_);
  buffer_.clear();
}

void AtomicFile::write_now(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = calls_.write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  flush();
  if (temporary_.empty()) {
    if (calls_.close(std::exchange(file_, -1)) != 0) fail("write");
    return;
  }
  if (calls_.fsync(file_) != 0) fail("write");
  // The lock is held until the file has its name.
  const FileDescriptor lock(::fcntl(file_, F_DUPFD_CLOEXEC, 0));
  if (calls_.close(std::exchange(file_, -1)) != 0) fail("write");
  if (calls_.rename(temporary_.c_str(), target_.c_str()) != 0) fail("replace");
  temporary_.clear();
  sync_directory();
}

void AtomicFile::sync_directory() {
  const int directory = calls_.open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0) fail("sync the directory of");
  const int result = calls_.fsync(directory);
  const int error = errno;
  calls_.close(directory);
  // Some file systems (network mounts) cannot sync a directory and say so by EINVAL; there the rename is all
  // there is.
  if (result != 0 && error != EINVAL) {
    errno = error;
    fail("sync the directory of");
  }
}

void write_atomically(const fs::path& path, std::string_view text, const FileCalls& calls) {
  AtomicFile file(path, calls);
  file.write(text);
  file.commit();
}

}  // namespace satsuma::train
