#pragma once

#include <cstdint>
#include <string_view>

namespace satsuma {

/// The three products of training a layer: forward, backward data, weight gradient.
enum class Pass : std::uint8_t { ff, bp, wu };
std::string_view to_string(Pass pass);

}  // namespace satsuma
