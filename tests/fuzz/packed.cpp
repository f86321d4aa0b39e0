// Packed files: as they come, and with checksums mended, so that what is behind them is reached.

#include "satsuma/data/packed.hpp"

#include <zlib.h>

#include <cstdlib>
#include <vector>

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"
#include "src/data/packed_format.hpp"

using namespace satsuma;

namespace {

void read_all(const std::vector<std::uint8_t>& bytes) {
  const MemoryFile file(bytes);
  try {
    const data::PackedParts parts = data::open_packed(file.path(), 3);
    data::Image image;
    for (const auto& part : {parts.train, parts.validation, parts.test}) {
      for (std::int64_t i = 0; part && i < part->size(); ++i) {
        if (part->label(i) < 0 || part->label(i) >= part->classes()) std::abort();
        try {
          part->read(i, image);
        } catch (const FormatError&) {
          // A picture that is damaged; the others are not.
        }
      }
    }
  } catch (const FormatError&) {
    // What it is there for.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> file(bytes, bytes + size);
  read_all(file);
  if (size < data::packed::kFooterBytes) return 0;
  const std::size_t footer = size - data::packed::kFooterBytes;
  const auto put = [&](std::size_t at, std::size_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) file[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i < 8; ++i) begin |= std::size_t{file[footer + i]} << (8 * i);
  if (begin > footer) return 0;
  put(footer + 8, footer - begin, 8);
  put(footer + 16, crc32_z(0, file.data() + begin, footer - begin), 4);
  put(footer + 28, crc32_z(0, file.data() + footer, 28), 4);
  read_all(file);
  return 0;
}
