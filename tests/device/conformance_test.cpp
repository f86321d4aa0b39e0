#include <doctest/doctest.h>

#include "conformance/check_device.hpp"
#include "device/faulty_device.hpp"

// The conformance suite is only worth something when it finds what a device may get wrong.

namespace satsuma {

namespace {

void check(testing::Fault fault) {
  testing::FaultyDevice device(fault);
  testing::check_device(device, *find_device("reference"), 1);
}

}  // namespace

TEST_CASE("a sound device passes the conformance suite") {
  check(testing::Fault::none);
}

TEST_SUITE("the conformance suite finds" * doctest::should_fail()) {
  TEST_CASE("an output that is off") {
    check(testing::Fault::one_output);
  }
  TEST_CASE("an input gradient that is off") {
    check(testing::Fault::one_gradient);
  }
  TEST_CASE("padding lanes in a weight gradient") {
    check(testing::Fault::padding_lanes);
  }
  TEST_CASE("padding lanes that are not written") {
    check(testing::Fault::dirty_padding);
  }
  TEST_CASE("ties broken the other way") {
    check(testing::Fault::ties);
  }
  TEST_CASE("packed weights of the step before") {
    check(testing::Fault::stale_packed);
  }
  TEST_CASE("operations counted as if nothing was pruned") {
    check(testing::Fault::miscounted);
  }
  TEST_CASE("packed weights of another row") {
    check(testing::Fault::wrong_row);
  }
}

}  // namespace satsuma
