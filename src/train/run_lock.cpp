#include "src/train/run_lock.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <string>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"

namespace satsuma::train {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "an unknown host";
}

/// What can be printed of the file's own words, which another program may have written. Times are the
/// holder's: its clock need not be ours.
std::string holder(const LockedFile& file) {
  std::string words;
  for (const char c : file.text()) {
    if (c >= ' ' && c <= '~') words += c;
  }
  return words.empty() ? "another process" : words;
}

/// The process that writes this, where it runs, and since when.
std::string ourselves() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> since{};
  std::strftime(since.data(), since.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return fmt::format("process {} on {} since {}\n", ::getpid(), host_name(), since.data());
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& directory, LockedFile::Lock lock)
    : file_(directory / kLockName, false, lock) {
  if (file_.state() == LockedFile::State::taken) {
    throw UsageError(fmt::format("run directory {} is in use by {}; wait for its end or choose another --out",
                                 directory.string(), holder(file_)));
  }
  if (file_.state() == LockedFile::State::no_locks) {
    say("warning: {} cannot be locked: {}; see to it that no other run writes there", directory.string(),
        std::generic_category().message(file_.error()));
  }
  // It holds without these words, too.
  file_.write(ourselves());
}

}  // namespace satsuma::train
