#pragma once

#include <memory>

#include "satsuma/device/device.hpp"
#include "src/devices/sat/transport.hpp"

namespace satsuma::sat::driver {

/// SAT at the other end of `transport`.
std::shared_ptr<Device> make_device(std::shared_ptr<Transport> transport);

}  // namespace satsuma::sat::driver
