// CIFAR's binary files; the first byte says of which of the two.

#include "satsuma/data/cifar.hpp"

#include <cstdlib>

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const bool hundred = bytes[0] % 2 == 1;
  data::CifarArray array;
  try {
    data::parse_cifar({bytes + 1, size - 1}, "fuzz", hundred ? 2 : 1, hundred ? 100 : 10, array);
    if (array.images.size() != array.labels.size() * 3072) std::abort();
  } catch (const FormatError&) {
    // What it is there for.
  }
  return 0;
}
