#include "src/core/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "src/core/file_descriptor.hpp"

namespace satsuma {

namespace {

FileDescriptor opened(const std::filesystem::path& path) {
  for (;;) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file >= 0 || errno != EINTR) return FileDescriptor(file);
  }
}

/// A first guess, from what the file claims, of which only so much is believed.
std::size_t first_size(int file) {
  constexpr std::int64_t kLeast = 4096, kMost = 16 << 20;
  struct stat status {};
  if (::fstat(file, &status) != 0) return kLeast;
  // One more than it has, so that the end is seen without growing.
  return static_cast<std::size_t>(std::clamp<std::int64_t>(status.st_size + 1, kLeast, kMost));
}

}  // namespace

std::string read_whole_file(const std::filesystem::path& path, std::error_code& failure, std::uint64_t most) {
  failure.clear();
  const auto fail = [&](int error) {
    failure = {error, std::generic_category()};
    return std::string();
  };
  const FileDescriptor file = opened(path);
  if (!file) return fail(errno);
  std::string content(first_size(file.get()), '\0');
  std::size_t held = 0;
  for (;;) {
    if (held == content.size()) content.resize(2 * held);
    const ssize_t got = ::read(file.get(), content.data() + held, content.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno);
    if (got == 0) break;
    held += static_cast<std::size_t>(got);
    if (held > most) return fail(EFBIG);
  }
  content.resize(held);
  return content;
}

}  // namespace satsuma
