#pragma once

#include <filesystem>

#include "src/train/locked_file.hpp"

namespace satsuma::train {

/// Name of the lock in a run directory.
inline constexpr const char* kLockName = "satsuma.lock";

/// Holds a run directory for this process until destruction, or until the process ends in whatever way. It is
/// the directory that is held, by whatever path. The file says who: process, host and time of the start.
class RunLock {
 public:
  /// Throws UsageError that says who holds the directory, and IoError when the file cannot be made. On a file
  /// system without locks there is a warning.
  explicit RunLock(const std::filesystem::path& directory, LockedFile::Lock lock = LockedFile::system_lock());

 private:
  LockedFile file_;
};

}  // namespace satsuma::train
