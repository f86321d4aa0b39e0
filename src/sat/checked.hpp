#pragma once

#include <cstdint>
#include <type_traits>

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

/// Adds these fields of `from` to those of `to`. Throws UsageError where a whole number does not fit 64 bits.
template <typename T, typename... Fields>
T& add_fields(T& to, const T& from, Fields... fields) {
  const auto add = []<typename Value>(Value& sum, const Value& value) {
    if constexpr (std::is_same_v<Value, std::int64_t>) {
      sum = plus(sum, value);
    } else {
      sum += value;
    }
  };
  (add(to.*fields, from.*fields), ...);
  return to;
}

}  // namespace satsuma::sat
