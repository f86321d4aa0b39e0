#include "src/train/events/append_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::train {

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) throw IoError(io_message("write", path_, errno));
}

AppendFile::~AppendFile() {
  ::close(file_);
}

void AppendFile::append(std::string_view bytes) {
  const off_t begin = ::lseek(file_, 0, SEEK_END);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      const bool whole = begin < 0 || ::ftruncate(file_, begin) == 0;
      throw IoError(io_message(whole ? "write" : "write a whole record to", path_, error));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace satsuma::train
