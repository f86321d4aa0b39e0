#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma::train {

/// The system calls that writing a file takes; tests put failing ones in their place.
struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int file, const void* bytes, std::size_t count);
  int (*fsync)(int file);
  int (*close)(int file);
  int (*rename)(const char* from, const char* to);
};
const FileCalls& system_calls();

/// Replaces a file whole or not at all: bytes go to `PATH.tmp`, which is synced and renamed by commit(), and
/// the directory is synced. Whatever fails or is killed in between, `PATH` holds the old or the new content.
/// Every failure throws IoError that says what to do; without commit() the temporary file is removed and the
/// old one stays.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path, const FileCalls& calls = system_calls());
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  void flush();
  void write_now(std::span<const std::byte> bytes);
  void sync_directory();
  [[noreturn]] void fail(std::string_view action);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  const FileCalls& calls_;
  int file_ = -1;
  bool temporary_exists_ = false;
  std::vector<std::byte> buffer_;
};

/// Replaces the content of `path` by `text`; see AtomicFile.
void write_atomically(const std::filesystem::path& path, std::string_view text,
                      const FileCalls& calls = system_calls());

/// `cannot write PATH: No space left on device; free some space and try again` for an error number.
std::string io_message(std::string_view action, const std::filesystem::path& path, int error);

}  // namespace satsuma::train
