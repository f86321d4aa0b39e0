#pragma once

#include <cstdint>

namespace satsuma {

/// Upper half of an IEEE binary32; conversion rounds to nearest even, NaN stays NaN.
struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};

/// IEEE binary16; conversion rounds to nearest even, with subnormals and infinities.
struct Float16 {
  std::uint16_t bits = 0;
  Float16() = default;
  explicit Float16(float value);
  explicit operator float() const;
};

}  // namespace satsuma
