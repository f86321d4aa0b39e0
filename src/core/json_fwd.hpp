#pragma once

#include <nlohmann/json_fwd.hpp>

namespace satsuma {

/// Declared only, enough for a header that names it: src/core/json.hpp defines it and takes a compiler half a
/// second. Objects keep the order in which keys were added.
using Json = nlohmann::ordered_json;

}  // namespace satsuma
