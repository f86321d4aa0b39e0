#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma devices test`: the conformance suite on one device.
void add_devices_test(const Command& devices);

}  // namespace satsuma::tools
