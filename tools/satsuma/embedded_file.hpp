#pragma once

#include <span>
#include <string_view>

namespace satsuma::tools {

/// A text file of the source tree that the command carries with it.
struct EmbeddedFile {
  std::string_view folder;
  std::string_view name;
  std::string_view content;
};

/// The files of tests/plugin_sample: `satsuma plugin new` writes what the tests build.
std::span<const EmbeddedFile> plugin_sample();

}  // namespace satsuma::tools
