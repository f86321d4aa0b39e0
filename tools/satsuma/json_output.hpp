#pragma once

#include <string>

#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// One JSON object as it is written, with a line end.
std::string to_text(const Json& object);

/// Writes one JSON object to standard output.
void print_json(const Json& object);

}  // namespace satsuma::tools
