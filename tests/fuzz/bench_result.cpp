// Results that `satsuma bench check` compares.

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"
#include "tools/satsuma/bench_figures.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    tools::parse_figures({reinterpret_cast<const char*>(bytes), size}, "fuzz");
  } catch (const FormatError&) {
    // What it is there for.
  }
  return 0;
}
