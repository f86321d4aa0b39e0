#pragma once

#include <span>

#include "src/core/embedded_file.hpp"

namespace satsuma::tools {

/// The files of tests/plugin_sample: `satsuma plugin new` writes what the tests build.
std::span<const EmbeddedFile> plugin_sample();

}  // namespace satsuma::tools
