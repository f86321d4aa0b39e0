// Skips everything, in the way that Meson understands, where there is no OpenCL platform.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "src/opencl/platforms.hpp"

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  const satsuma::opencl::Platforms platforms = satsuma::opencl::list_platforms();
  if (platforms.all.empty()) {
    fmt::print("skipped: {}\n", platforms.problem);
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
