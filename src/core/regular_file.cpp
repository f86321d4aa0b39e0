#include "src/core/regular_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/utf8.hpp"

namespace satsuma {

RegularFile::RegularFile(const std::filesystem::path& path)
    : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (!file_ || ::fstat(file_.get(), &status) != 0) throw cannot_read(path, errno);
  if (!S_ISREG(status.st_mode)) throw cannot_read(path, "it is not a regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void RegularFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw cannot_read(path_, errno);
    if (got == 0) {
      throw FormatError(
          fmt::format("{}: offset {}: the file ends here now; it was cut off while it was in use",
                      shown_path(path_.string()), offset));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace satsuma
