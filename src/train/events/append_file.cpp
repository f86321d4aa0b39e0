#include "src/train/events/append_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::train {

AppendFile::AppendFile(std::filesystem::path path, Begin begin) : path_(std::move(path)) {
  const int create = begin == Begin::new_file ? O_CREAT | O_EXCL : 0;
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | create, 0666));
  if (!file_) throw IoError(io_message("write", path_, errno));
}

void AppendFile::append(std::string_view bytes) {
  const off_t begin = ::lseek(file_.get(), 0, SEEK_END);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      const bool whole = begin < 0 || ::ftruncate(file_.get(), begin) == 0;
      throw IoError(io_message(whole ? "write" : "write a whole record to", path_, error));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace satsuma::train
