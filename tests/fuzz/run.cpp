// What `satsuma report` and `satsuma compare` read of a run directory, and what `train --resume` keeps of its
// log. The first byte says which file the input is.

#include <filesystem>
#include <fstream>

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/train/run_directory.hpp"
#include "tools/satsuma/compare/run_state.hpp"
#include "tools/satsuma/report/report_page.hpp"
#include "tools/satsuma/report/run.hpp"

using namespace satsuma;

namespace {

namespace fs = std::filesystem;

constexpr const char* kFiles[] = {"log.jsonl", "run.json", "evaluation.json", "config.toml"};

/// A run directory in memory, if /dev/shm is there, where only one file changes.
fs::path make_directory() {
  std::string name =
      fs::is_directory("/dev/shm") ? "/dev/shm/satsuma-fuzz-XXXXXX" : "/tmp/satsuma-fuzz-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  static struct Removed {
    fs::path path;
    ~Removed() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } const removed{name};
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const fs::path directory = make_directory();
  if (size == 0) return 0;
  for (const char* const name : kFiles) {
    std::ofstream file(directory / name, std::ios::binary);
    if (name == kFiles[bytes[0] % std::size(kFiles)])
      file.write(reinterpret_cast<const char*>(bytes) + 1, static_cast<std::streamsize>(size - 1));
  }
  try {
    (void)tools::report_page({tools::read_run(directory)});
    (void)tools::compare::read_epochs(directory);
    train::RunLog(directory / "log.jsonl", directory / "log.csv", 5, 5);
  } catch (const Error&) {
    // What it is there for.
  }
  return 0;
}
