#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "src/core/file_descriptor.hpp"

namespace satsuma::train {

/// A file that is made, locked for one process and removed again with the object. The system drops the lock
/// with the last process that has the file open, however that ends, so that a file that is left behind holds
/// nobody off.
class LockedFile {
 public:
  enum class State {
    held,      ///< by us
    taken,     ///< by another process
    no_locks,  ///< the file system has none: the file is there, and holds nobody off
  };
  /// flock(), or what a test puts in its place.
  using Lock = int (*)(int file, int operation);
  static Lock system_lock();

  /// Under `inherited` a child that is started has the lock, too. Throws IoError where the file cannot be
  /// made or locked.
  LockedFile(std::filesystem::path path, bool inherited, Lock lock = system_lock());
  LockedFile(LockedFile&& other) noexcept;
  LockedFile& operator=(LockedFile&&) = delete;
  ~LockedFile();

  State state() const { return state_; }
  /// Why State::no_locks, as errno has it.
  int error() const { return error_; }
  /// The first 200 bytes, of whoever wrote them.
  std::string text() const;
  /// Puts `text` there, if it can.
  void write(std::string_view text) const;

 private:
  bool in_place() const;

  std::filesystem::path path_;
  FileDescriptor file_;
  State state_ = State::held;
  int error_ = 0;
};

}  // namespace satsuma::train
