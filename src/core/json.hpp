#pragma once

// The one place that includes nlohmann/json: its assertions have to mean the same wherever a template of it
// is compiled.

#ifdef INCLUDE_NLOHMANN_JSON_HPP_
#error "include src/core/json.hpp and not nlohmann/json.hpp"
#endif

namespace satsuma {

/// What an assertion of nlohmann/json that does not hold throws: std::bad_alloc for a value that was left
/// without its content, std::logic_error with `condition` for all others, which are mistakes of ours.
[[noreturn]] void fail_json_assertion(const char* condition);

}  // namespace satsuma

#define JSON_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::satsuma::fail_json_assertion(#condition))

#include <nlohmann/json.hpp>
