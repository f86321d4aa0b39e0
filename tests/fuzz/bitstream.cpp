// Binaries of SAT's kernels: as they come, and with the checksum mended, so that what is behind it is
// reached.

#include "src/devices/sat/opencl/bitstream.hpp"

#include <vector>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

namespace {

void read(std::span<const std::uint8_t> bytes) {
  const MemoryFile file(bytes);
  try {
    const sat::driver::Bitstream bitstream = sat::driver::read_bitstream(file.path());
    if (bitstream.binary.size() > bytes.size()) std::abort();
  } catch (const Error&) {
    // What it is there for.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> file(bytes, bytes + size);
  read(file);
  constexpr std::size_t kSum = 8;
  constexpr std::size_t kBody = 16;
  if (size < kBody) return 0;
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::size_t i = kBody; i < size; ++i) hash = (hash ^ file[i]) * 0x100000001b3u;
  for (std::size_t i = 0; i < 8; ++i) file[kSum + i] = static_cast<std::uint8_t>(hash >> (8 * i));
  read(file);
  return 0;
}
