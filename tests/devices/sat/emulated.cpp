#include "devices/sat/naive_sat.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma::testing {

Device& sat_under_test() {
  return *find_device("sat");
}

}  // namespace satsuma::testing
