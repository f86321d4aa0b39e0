#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma devices test`: the conformance suite on one device.
CLI::App* add_devices_test(CLI::App& devices, std::function<int()>& run);

}  // namespace satsuma::tools
