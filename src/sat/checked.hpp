#pragma once

#include <cstdint>

#include "satsuma/core/error.hpp"

namespace satsuma::sat {

[[noreturn]] inline void refuse_overflow() {
  throw UsageError(
      "the simulation counts more than 2^63 cycles or bytes, expected fewer; take a smaller batch or a "
      "larger "
      "array");
}

/// a * b. Throws UsageError where it does not fit 64 bits.
inline std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse_overflow();
  return result;
}

/// a + b. Throws UsageError where it does not fit 64 bits.
inline std::int64_t plus(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) refuse_overflow();
  return result;
}

}  // namespace satsuma::sat
