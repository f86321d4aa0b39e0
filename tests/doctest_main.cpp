#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"

/// Under the address sanitizer a request that is too large gives null, as it does without.
extern "C" const char* __asan_default_options() {  // NOLINT: the sanitizer's name for it
  return "allocator_may_return_null=1";
}

// doctest's own main, but for a test that is asked for an instruction set (SATSUMA_ISA) which this CPU lacks:
// that one is skipped, with the exit code that Meson takes for it.
int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  try {
    satsuma::active_isa();
  } catch (const satsuma::UsageError& error) {
    std::printf("skipped: %s\n", error.what());
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
