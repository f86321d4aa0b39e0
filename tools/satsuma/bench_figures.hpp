#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/core/json.hpp"

namespace satsuma::tools {

/// One figure of a result: a time, and half the distance of its quartiles as a share of it.
struct Figure {
  std::string name;
  double time = 0;
  double noise = 0;
};

/// What a result says, whichever bench it is of.
struct Figures {
  std::string path;
  std::string bench;
  std::string work;  ///< what was measured; only equal work can be compared
  Json machine;
  std::vector<Figure> entries;
};

/// From the text of a file; `path` is for messages. Throws FormatError.
Figures parse_figures(std::string_view text, const std::string& path);
/// Throws IoError, too.
Figures read_figures(const std::string& path);

/// A value as it is shown.
std::string shown_value(const Json& value);

}  // namespace satsuma::tools
