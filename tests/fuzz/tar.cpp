// Archives that `satsuma datasets get` unpacks. Nothing may be written outside of their folder.

#include <filesystem>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"
#include "tools/satsuma/untar.hpp"

using namespace satsuma;

namespace {

namespace fs = std::filesystem;

/// An empty folder beside nothing else.
fs::path make_directory() {
  std::string name =
      fs::is_directory("/dev/shm") ? "/dev/shm/satsuma-fuzz-XXXXXX" : "/tmp/satsuma-fuzz-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fs::path directory = make_directory();
  const fs::path inside = directory / "inside";
  fs::create_directory(inside);
  const MemoryFile file({bytes, size});
  try {
    for (const fs::path& path : tools::untar(file.path(), inside)) {
      if (!path.lexically_normal().string().starts_with(inside.string())) std::abort();
    }
  } catch (const Error&) {
    // What it is there for.
  }
  if (std::distance(fs::directory_iterator(directory), fs::directory_iterator()) != 1) std::abort();
  fs::remove_all(directory);
  return 0;
}
