#include "satsuma/train/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/train/safetensors.hpp"
#include "train/file_limit.hpp"
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
std::ptrdiff_t count_files(const std::filesystem::path& directory) {
  return std::distance(std::filesystem::directory_iterator(directory), {});
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
      CHECK(count_files(directory.path()) == 1);
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
  CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("two writers of one file do not disturb each other, the last to commit wins") {
  const TemporaryDirectory directory;
  AtomicFile first(directory / "file");
  AtomicFile second(directory / "file");
  CHECK(count_files(directory.path()) == 2);
  first.write("first");
  second.write("second");
  second.commit();
  CHECK(read_file(directory / "file") == "second");
  first.commit();
  CHECK(read_file(directory / "file") == "first");
  CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("what killed writers have left is removed by the next, and nothing else is") {
  const TemporaryDirectory directory;
  for (const char* const name : {"file.tmp", "file.tmp123-4", "file.tmp-mine", "file.tmpl", "other.tmp1-1"})
    write_file(directory / name, "x");
  AtomicFile living(directory / "file");
  write_atomically(directory / "file", "new");
  CHECK_FALSE(std::filesystem::exists(directory / "file.tmp"));
  CHECK_FALSE(std::filesystem::exists(directory / "file.tmp123-4"));
  for (const char* const name : {"file.tmp-mine", "file.tmpl", "other.tmp1-1"})
    CHECK(std::filesystem::exists(directory / name));
  living.commit();
  CHECK(count_files(directory.path()) == 4);
}

TEST_CASE("symbolic links stay and what they lead to is replaced") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "there");
  std::filesystem::create_symlink("there/file", directory / "link");
  std::filesystem::create_symlink(directory / "link", directory / "link2");
  for (const char* const content : {"new", "newer"}) {
    write_atomically(directory / "link2", content);
    CHECK(std::filesystem::is_symlink(directory / "link2"));
    CHECK(read_file(directory / "there/file") == content);
  }
  CHECK(count_files(directory.path()) == 3);
  CHECK(count_files(directory / "there") == 1);
}

TEST_CASE("pipes and devices are written to as they are") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  write_atomically(path, "text");
  char text[8] = {};
  CHECK(::read(reader, text, sizeof text) == 4);
  ::close(reader);
  CHECK(std::filesystem::is_fifo(path));
  // As a shell's >(command) gives it.
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  write_atomically(fmt::format("/dev/fd/{}", ends[1]), "more");
  CHECK(::read(ends[0], text, sizeof text) == 4);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(contains(message_of<IoError>([] { write_atomically("/dev/full", "text"); }), "No space left"));
  CHECK(contains(message_of<IoError>([&] { write_atomically(directory.path(), ""); }), "Is a directory"));
  CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("a full disk leaves the old checkpoint") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "last.safetensors";
  const nn::NamedTensor small[] = {{"a", Tensor::full({4}, 1)}};
  const nn::NamedTensor large[] = {{"a", Tensor::full({100'000}, 2)}};
  write_safetensors(path, small);

  const std::string message = with_file_limit(100'000, [&] { write_safetensors(path, large); });
  CHECK(contains(message, "File too large"));
  CHECK(read_safetensors(path).tensors.at("a").numel() == 4);
  CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("messages say what to do") {
  CHECK(io_message("write", "x/y", ENOSPC) ==
        "cannot write x/y: No space left on device; free some space or choose another directory");
  const TemporaryDirectory directory;
  const std::string message = message_of<IoError>([&] { write_atomically(directory / "none/file", ""); });
  CHECK(contains(message, "the directory does not exist"));
}

}  // namespace satsuma::train
