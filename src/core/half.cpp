#include "satsuma/core/half.hpp"

#include <bit>

#include "src/core/bf16_bits.hpp"

namespace satsuma {

namespace {

/// `value` without its `drop` lowest bits, rounded to nearest, ties to even.
std::uint32_t round_shift(std::uint32_t value, int drop) {
  const std::uint32_t half = 1u << (drop - 1);
  const std::uint32_t odd = (value >> drop) & 1u;
  return (value + half - 1 + odd) >> drop;
}

}  // namespace

BFloat16::BFloat16(float value) {
  bits = static_cast<std::uint16_t>(bf16_bits(value));
}

BFloat16::operator float() const {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

Float16::Float16(float value) {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (word >> 16) & 0x8000u;
  const std::uint32_t magnitude = word & 0x7fffffffu;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;  // NaN
  } else if (magnitude >= 0x47800000u) {
    half = 0x7c00u;  // 2^16 and above, infinity
  } else if (magnitude >= 0x38800000u) {
    half = round_shift(magnitude - 0x38000000u, 13);  // normal; may carry up to infinity, as it should
  } else if (magnitude >= 0x33000000u) {
    const int exponent = static_cast<int>(magnitude >> 23);
    half = round_shift((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent);  // subnormal
  }
  bits = static_cast<std::uint16_t>(sign | half);
}

Float16::operator float() const {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

}  // namespace satsuma
