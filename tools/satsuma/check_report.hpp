#pragma once

#include <string>

#include "satsuma/train/recipe.hpp"

namespace satsuma::tools {

/// Says on standard error what the device has compared, layers, passes and calls, where it is `check:A,B`. To
/// be called when the work is done. Throws DeviceError where it has compared nothing: that is no check.
void report_checks(const std::string& device);
/// Of each device that a recipe names.
void report_checks(const train::Recipe& recipe);

}  // namespace satsuma::tools
