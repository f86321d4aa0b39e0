#include <doctest/doctest.h>

#include "satsuma/conformance/suite.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/registry.hpp"
#include "support/conformance.hpp"
#include "support/devices.hpp"

namespace satsuma {

namespace {

void expect_conformance(std::string_view name, const conformance::Options& options) {
  // SAT refuses all operands but f16; oneDNN what is not dense, and on some CPUs bf16.
  const std::int64_t least = name == "sat" ? 300 : name == "onednn" ? 200 : 500;
  testing::expect_conformance(find_device(name), options, least);
}

}  // namespace

TEST_CASE("every built-in device conforms to the reference") {
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    // Held against itself it takes longer than all others and says nothing.
    if (entry.name == "reference") continue;
    SUBCASE(std::string(entry.name).c_str()) {
      MESSAGE(find_device(entry.name)->description());
      expect_conformance(entry.name, {});
    }
  }
}

TEST_CASE("results do not depend on the number of threads beyond the tolerance") {
  const int before = threads();
  for (const int count : {1, 3}) {
    set_threads(count);
    for (const DeviceEntry& entry : testing::everywhere_devices()) {
      if (entry.name == "reference") continue;
      // Compiles its kernels anew for each number, which takes a minute: one that is not the default's is
      // enough.
      if (entry.name == "onednn" && count == 1) continue;
      CAPTURE(count);
      expect_conformance(entry.name, {.modes = {conformance::Mode::correctness}, .seed = 2});
    }
  }
  set_threads(before);
}

}  // namespace satsuma
