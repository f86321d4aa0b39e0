#include "src/train/run_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/message.hpp"

namespace satsuma::train {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "an unknown host";
}

/// The file's own words, which another program may have written. Times are the holder's: its clock need not
/// be ours.
std::string holder(int file) {
  std::array<char, 200> text{};
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  std::string words;
  for (ssize_t i = 0; i < got; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c >= ' ' && c <= '~') words += c;
  }
  return words.empty() ? "another process" : words;
}

bool has_no_locks(int error) {
  return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP;
}

}  // namespace

RunLock::Lock RunLock::system_lock() {
  return ::flock;
}

RunLock::RunLock(const std::filesystem::path& directory, Lock lock) : path_(directory / kLockName) {
  for (;;) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) throw IoError(io_message("create", path_, errno));
    int error = 0;
    while (lock(file_, LOCK_EX | LOCK_NB) != 0 && (error = errno) == EINTR) error = 0;
    if (error == EWOULDBLOCK) {
      const std::string who = holder(file_);
      ::close(file_);
      throw UsageError(
          fmt::format("run directory {} is in use by {}; wait for its end or choose another --out",
                      directory.string(), who));
    }
    if (has_no_locks(error)) {
      say("warning: {} cannot be locked: {}; see to it that no other run writes there", directory.string(),
          std::generic_category().message(error));
    } else if (error != 0) {
      ::close(file_);
      throw IoError(io_message("lock", path_, error));
    }
    if (in_place()) break;
    // The holder has removed it between our two calls.
    ::close(file_);
  }
  say_who();
}

RunLock::~RunLock() {
  // Removed while it is held: who comes now opens it in vain, and tries again.
  if (in_place()) ::unlink(path_.c_str());
  ::close(file_);
}

/// True where the path still leads to the file that is open.
bool RunLock::in_place() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file_, &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

void RunLock::say_who() const {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  const std::string text = fmt::format("process {} on {} since {}\n", ::getpid(), host_name(), since.data());
  // It holds without these words, too.
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, text.data(), text.size(), 0) < 0) return;
}

}  // namespace satsuma::train
