#include "tools/satsuma/json_output.hpp"

#include <fmt/core.h>

#include "src/core/json.hpp"

namespace satsuma::tools {

std::string to_text(const Json& object) {
  return json_text(object, 2) + '\n';
}

void print_json(const Json& object) {
  fmt::print("{}", to_text(object));
}

}  // namespace satsuma::tools
