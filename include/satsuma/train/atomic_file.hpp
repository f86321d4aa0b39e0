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

/// Replaces a file whole or not at all: bytes go to a temporary file beside it, which is synced and renamed
/// by commit(), and the directory is synced. Whatever fails or is killed in between, `path` holds the old or
/// the new content. Every failure throws IoError that says what to do; without commit() the temporary file is
/// removed and the old one stays.
///
/// The temporary file, `PATH.tmpPROCESS-NUMBER`, has a name and a lock of its own: writers do not disturb
/// each other, and the next one removes what a killed one has left. Where `path` is a symbolic link its
/// target is replaced. What is no regular file, a pipe or a device, is written to as it is.
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
  void open_temporary();
  void flush();
  void write_now(std::span<const std::byte> bytes);
  void sync_directory();
  [[noreturn]] void fail(std::string_view action);

  std::filesystem::path path_;       ///< as it was given, for messages
  std::filesystem::path target_;     ///< without symbolic links; empty where it is written to as it is
  std::filesystem::path temporary_;  ///< empty where there is none
  const FileCalls& calls_;
  int file_ = -1;
  std::vector<std::byte> buffer_;
};

/// Replaces the content of `path` by `text`; see AtomicFile.
void write_atomically(const std::filesystem::path& path, std::string_view text,
                      const FileCalls& calls = system_calls());

/// Removes the temporary files beside `path` whose writers have died.
void remove_leftovers(const std::filesystem::path& path);

/// `cannot write PATH: No space left on device; free some space and try again` for an error number.
std::string io_message(std::string_view action, const std::filesystem::path& path, int error);

}  // namespace satsuma::train
