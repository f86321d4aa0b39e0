#include "satsuma/train/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;

int open_file(const char* path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
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

std::string io_message(std::string_view action, const std::filesystem::path& path, int error) {
  return fmt::format("cannot {} {}: {}{}", action, path.string(), std::generic_category().message(error),
                     advice(error));
}

AtomicFile::AtomicFile(std::filesystem::path path, const FileCalls& calls)
    : path_(std::move(path)), temporary_(path_), calls_(calls) {
  temporary_ += ".tmp";
  file_ = calls_.open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail("create");
  temporary_exists_ = true;
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (temporary_exists_) ::unlink(temporary_.c_str());
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
  if (calls_.fsync(file_) != 0) fail("write");
  if (calls_.close(std::exchange(file_, -1)) != 0) fail("write");
  if (calls_.rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  temporary_exists_ = false;
  sync_directory();
}

void AtomicFile::sync_directory() {
  const std::filesystem::path parent = path_.has_parent_path() ? path_.parent_path() : ".";
  const int directory = calls_.open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
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

void write_atomically(const std::filesystem::path& path, std::string_view text, const FileCalls& calls) {
  AtomicFile file(path, calls);
  file.write(text);
  file.commit();
}

}  // namespace satsuma::train
