#pragma once

#include <string>

namespace satsuma::tools {

/// What `satsuma --version` prints: the version, and what this build and this machine make of it.
std::string version_text();

}  // namespace satsuma::tools
