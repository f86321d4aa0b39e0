#pragma once

#include <string_view>

namespace satsuma {

/// A text file of the source tree that the program carries with it; tools/lib/embed.py writes lists of them.
struct EmbeddedFile {
  std::string_view folder;
  std::string_view name;
  std::string_view content;
};

}  // namespace satsuma
