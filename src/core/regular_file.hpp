#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "src/core/file_descriptor.hpp"

namespace satsuma {

/// A file opened for reading at any offset, by any thread.
class RegularFile {
 public:
  /// Throws IoError where it cannot be read or is a directory, a pipe or a device; it does not wait for a
  /// pipe.
  explicit RegularFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// Bytes, when it was opened.
  std::uint64_t size() const { return size_; }
  /// Fills `bytes` with what is at `offset`. Throws IoError, and FormatError where the file ends within it.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace satsuma
