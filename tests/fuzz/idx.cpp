// IDX files, packed by gzip or not: of labels and of pictures.

#include "satsuma/data/idx.hpp"

#include "fuzz.hpp"
#include "memory_file.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const MemoryFile file({bytes, size});
  for (const int rank : {1, 3}) {
    try {
      const data::IdxArray array = data::read_idx(file.path(), rank);
      if (static_cast<std::int64_t>(array.values.size()) != array.shape.numel()) std::abort();
    } catch (const FormatError&) {
      // What it is there for.
    }
  }
  return 0;
}
