#include "satsuma/train/atomic_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/train/safetensors.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

/// Counts system calls and lets the one with number `fail_at` fail.
struct Faults {
  int calls = 0;
  int fail_at = -1;
  int error = ENOSPC;

  bool fails() {
    if (calls++ != fail_at) return false;
    errno = error;
    return true;
  }
};
Faults faults;

int faulty_open(const char* path, int flags, mode_t mode) {
  return faults.fails() ? -1 : system_calls().open(path, flags, mode);
}
// Writes half of what it is given, as a real call may.
ssize_t faulty_write(int file, const void* bytes, std::size_t count) {
  return faults.fails() ? -1 : system_calls().write(file, bytes, (count + 1) / 2);
}
int faulty_fsync(int file) {
  return faults.fails() ? -1 : system_calls().fsync(file);
}
int faulty_close(int file) {
  // A close that fails has closed all the same.
  const int result = system_calls().close(file);
  return faults.fails() ? -1 : result;
}
int faulty_rename(const char* from, const char* to) {
  return faults.fails() ? -1 : system_calls().rename(from, to);
}
constexpr FileCalls kFaulty = {faulty_open, faulty_write, faulty_fsync, faulty_close, faulty_rename};

}  // namespace

TEST_CASE("a failure at any system call leaves the old or the new file, and no other") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "file";
  faults = {};
  write_atomically(path, "0123456789", kFaulty);
  const int calls = faults.calls;
  CHECK(calls > 8);
  CHECK(read_file(path) == "0123456789");

  for (const int error : {ENOSPC, EIO, EACCES, EROFS, EDQUOT}) {
    for (int i = 0; i < calls; ++i) {
      CAPTURE(i);
      write_atomically(path, "old");
      faults = {0, i, error};
      const std::string message = message_of<IoError>([&] { write_atomically(path, "0123456789", kFaulty); });
      const std::string content = read_file(path);
      // Only the descriptor of the directory is left to close after all is done.
      CHECK((i == calls - 1 || contains(message, path.string())));
      CHECK((content == "old" || content == "0123456789"));
      CHECK((content == "old") == (i < calls - 3));
      CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
    }
  }
}

TEST_CASE("an interrupted write goes on") {
  const TemporaryDirectory directory;
  faults = {0, 1, EINTR};
  write_atomically(directory / "file", "0123456789", kFaulty);
  CHECK(read_file(directory / "file") == "0123456789");
}

TEST_CASE("large and small pieces arrive in order") {
  const TemporaryDirectory directory;
  std::string expected;
  {
    AtomicFile file(directory / "file");
    for (const std::size_t size : {3u, 700'000u, 700'000u, 5'000'000u, 1u, 0u, 1'048'576u, 2u}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      file.write(piece);
      expected += piece;
    }
    CHECK_FALSE(std::filesystem::exists(directory / "file"));
    file.commit();
  }
  CHECK(read_file(directory / "file") == expected);
}

TEST_CASE("without commit nothing happens") {
  const TemporaryDirectory directory;
  write_file(directory / "file", "old");
  { AtomicFile(directory / "file").write("new"); }
  CHECK(read_file(directory / "file") == "old");
  CHECK_FALSE(std::filesystem::exists(directory / "file.tmp"));
}

TEST_CASE("a full disk leaves the old checkpoint") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "last.safetensors";
  const nn::NamedTensor small[] = {{"a", Tensor::full({4}, 1)}};
  const nn::NamedTensor large[] = {{"a", Tensor::full({100'000}, 2)}};
  write_safetensors(path, small);

  // The limit on the size of files stands for the disk: writing fails half way.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit tight = {100'000, limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string message = message_of<IoError>([&] { write_safetensors(path, large); });
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);

  CHECK(contains(message, "File too large"));
  CHECK(read_safetensors(path).tensors.at("a").numel() == 4);
  CHECK_FALSE(std::filesystem::exists(directory / "last.safetensors.tmp"));
}

TEST_CASE("messages say what to do") {
  CHECK(io_message("write", "x/y", ENOSPC) ==
        "cannot write x/y: No space left on device; free some space or choose another directory");
  const TemporaryDirectory directory;
  const std::string message = message_of<IoError>([&] { write_atomically(directory / "none/file", ""); });
  CHECK(contains(message, "the directory does not exist"));
}

}  // namespace satsuma::train
