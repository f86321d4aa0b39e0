#pragma once

#include <cstdint>

namespace satsuma {

/// a / b rounded up, for a >= 0 and b > 0: how many blocks of b hold a elements.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace satsuma
