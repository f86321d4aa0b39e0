#pragma once

// The one place that includes nlohmann/json: its assertions have to mean the same wherever a template of it
// is compiled. Reading and writing are functions because a parser and a writer in each file would take
// seconds to compile.

#ifdef INCLUDE_NLOHMANN_JSON_HPP_
#error "include src/core/json.hpp and not nlohmann/json.hpp"
#endif

#include <string>
#include <string_view>

#include "src/core/json_fwd.hpp"

namespace satsuma {

/// What an assertion of nlohmann/json that does not hold throws: std::bad_alloc for a value that was left
/// without its content, std::logic_error with `condition` for all others, which are mistakes of ours.
[[noreturn]] void fail_json_assertion(const char* condition);

}  // namespace satsuma

#define JSON_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::satsuma::fail_json_assertion(#condition))

#include <nlohmann/json.hpp>

namespace satsuma {

/// The value of a text that may be of others; discarded where it is none or nests too deep.
Json parse_json(std::string_view text);

/// A value in one line, or in lines of so much indentation. Text in it that is no UTF-8, a layer's name say,
/// loses those bytes and not the whole result.
std::string json_text(const Json& value, int indent = -1);

}  // namespace satsuma
