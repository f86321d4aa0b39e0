#pragma once

#include <unistd.h>

#include <utility>

namespace satsuma {

/// Owns a file descriptor: closes it at the end, where there is one. What close says is lost.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int file) : file_(file) {}
  ~FileDescriptor() {
    if (file_ >= 0) ::close(file_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }

  int get() const { return file_; }
  /// False where opening it failed.
  explicit operator bool() const { return file_ >= 0; }

 private:
  int file_ = -1;
};

}  // namespace satsuma
