#include "src/core/json.hpp"

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

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

}  // namespace satsuma
