#pragma once

#include <filesystem>

namespace satsuma::train {

/// Name of the lock in a run directory.
inline constexpr const char* kLockName = "satsuma.lock";

/// Holds a run directory for this process until destruction, or until the process ends in whatever way: the
/// system drops the lock then, and the file that is left behind holds nobody off. It is the directory
/// that is held, by whatever path. The file says who: process, host and time of the start.
class RunLock {
 public:
  using Lock = int (*)(int file, int operation);

  /// Throws UsageError that says who holds the directory, and IoError when the file cannot be made. On a file
  /// system without locks there is a warning. Tests put their own function in place of flock().
  explicit RunLock(const std::filesystem::path& directory, Lock lock = system_lock());
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  static Lock system_lock();
  bool in_place() const;
  void say_who() const;

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace satsuma::train
