#pragma once

#include <nlohmann/json_fwd.hpp>

namespace satsuma {

/// Declared only, which headers that name it need; src/core/json.hpp, a second's work for a compiler, defines
/// it. Objects keep the order in which keys were added.
using Json = nlohmann::ordered_json;

}  // namespace satsuma
