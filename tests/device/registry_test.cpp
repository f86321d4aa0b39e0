#include "satsuma/device/registry.hpp"

#include <doctest/doctest.h>

#include <string>

#include "satsuma/core/error.hpp"
#include "support/devices.hpp"

namespace satsuma {

TEST_CASE("every built-in device is made once, under its own name") {
  REQUIRE_FALSE(device_entries().empty());
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    CAPTURE(entry.name);
    const auto device = find_device(entry.name);
    CHECK(device->name() == entry.name);
    CHECK(device == find_device(entry.name));
    CHECK_FALSE(device->description().empty());
    CHECK_FALSE(entry.summary.empty());
  }
}

TEST_CASE("an unknown device is refused with those that exist") {
  try {
    find_device("refrence");
    FAIL("accepted");
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).find("did you mean 'reference'?") != std::string::npos);
  }
}

}  // namespace satsuma
