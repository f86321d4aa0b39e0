#include <doctest/doctest.h>

#include "conformance/check_device.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma {

TEST_CASE("every built-in device conforms to the reference") {
  const auto reference = find_device("reference");
  for (const DeviceEntry& entry : device_entries()) {
    SUBCASE(std::string(entry.name).c_str()) {
      const auto device = find_device(entry.name);
      MESSAGE(device->description());
      testing::check_device(*device, *reference, 1);
    }
  }
}

TEST_CASE("results do not depend on the number of threads beyond the tolerance") {
  const auto reference = find_device("reference");
  const int before = threads();
  for (const int count : {1, 3}) {
    set_threads(count);
    for (const DeviceEntry& entry : device_entries()) {
      if (entry.name == "reference") continue;
      CAPTURE(entry.name);
      CAPTURE(count);
      testing::check_device(*find_device(entry.name), *reference, 2);
    }
  }
  set_threads(before);
}

}  // namespace satsuma
