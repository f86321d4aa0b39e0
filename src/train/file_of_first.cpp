#include "src/train/file_of_first.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/whole_file.hpp"

namespace satsuma::train {

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::error_code failure;
  std::string content = read_whole_file(path, failure);
  if (failure) throw cannot_read(path, failure.value());
  return content;
}

void write_all(int file, const std::string& content, const std::filesystem::path& path) {
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t written = ::write(file, content.data() + at, content.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw IoError(io_message("copy", path, errno));
    at += static_cast<std::size_t>(written);
  }
}

}  // namespace

FileOfFirst::FileOfFirst(distributed::Communicator& ranks, std::filesystem::path path)
    : path_(std::move(path)) {
  if (ranks.size() == 1) return;
  const std::string content = ranks.of_first(ranks.first() ? content_of(path_) : std::string());
  if (ranks.first()) return;
  file_ = FileDescriptor(::memfd_create("satsuma", MFD_CLOEXEC));
  if (!file_) throw IoError(io_message("copy", path_, errno));
  write_all(file_.get(), content, path_);
  path_ = fmt::format("/proc/self/fd/{}", file_.get());
}

}  // namespace satsuma::train
