#include "src/core/json.hpp"

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "src/core/nesting.hpp"

namespace satsuma {

/// A null that becomes an object or a list, `value["key"]`, takes on the type first and then asks for memory.
/// Where there is none, the value's end finds the type without its content. That end is noexcept, so what is
/// thrown here goes to std::terminate, where the command says that memory is short
/// (tools/satsuma/process.cpp); to go on instead would be to follow the null pointer.
void fail_json_assertion(const char* condition) {
  const std::string_view words = condition;
  if (words.find("m_value") != words.npos && words.ends_with("!= nullptr")) throw std::bad_alloc();
  throw std::logic_error("JSON: not so: " + std::string(words));
}

Json parse_json(std::string_view text) {
  if (nests_too_deep(text)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace satsuma
