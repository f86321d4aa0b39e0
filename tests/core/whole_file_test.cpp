#include "src/core/whole_file.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "support/temporary_directory.hpp"

namespace satsuma {

namespace {

namespace fs = std::filesystem;

/// A file that is there for a test.
class Written {
 public:
  explicit Written(const std::string& content) { std::ofstream(path(), std::ios::binary) << content; }

  fs::path path() const { return folder_ / "file"; }
  const fs::path& folder() const { return folder_.path(); }

 private:
  testing::TemporaryDirectory folder_;
};

}  // namespace

TEST_CASE("a file is read whole, whatever bytes it has and however many") {
  for (const int count : {0, 1, 4095, 4096, 4097, 100'000}) {
    CAPTURE(count);
    const auto size = static_cast<std::size_t>(count);
    std::string content(size, 'x');
    if (size > 1) content[size / 2] = '\0';
    const Written file(content);
    std::error_code failure = std::make_error_code(std::errc::io_error);
    CHECK(read_whole_file(file.path(), failure) == content);
    CHECK_FALSE(failure);
    CHECK(read_whole_file(file.path(), failure, size) == content);
    CHECK_FALSE(failure);
    if (size == 0) continue;
    CHECK(read_whole_file(file.path(), failure, size - 1).empty());
    CHECK(failure == std::errc::file_too_large);
  }
}

TEST_CASE("what cannot be read whole is said as the system says it") {
  const Written file("x");
  std::error_code failure;
  CHECK(read_whole_file(file.folder() / "none", failure).empty());
  CHECK(failure == std::errc::no_such_file_or_directory);
  CHECK(read_whole_file(file.folder(), failure).empty());
  CHECK(failure == std::errc::is_a_directory);
  // One without an end, which claims to have no bytes.
  CHECK(read_whole_file("/dev/zero", failure, 1 << 20).empty());
  CHECK(failure == std::errc::file_too_large);
  // One that claims to have none and has some.
  CHECK(read_whole_file("/proc/self/status", failure).starts_with("Name:"));
  CHECK_FALSE(failure);
}

}  // namespace satsuma
