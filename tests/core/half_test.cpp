#include "satsuma/core/half.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "satsuma/core/dtype.hpp"

namespace satsuma::testing {

namespace {

/// The value of binary16 bits, by its definition.
double value_of(unsigned bits) {
  const double sign = bits & 0x8000u ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10) & 0x1f;
  const double fraction = static_cast<double>(bits & 0x3ffu) / 1024;
  return exponent == 0 ? sign * std::ldexp(fraction, -14) : sign * std::ldexp(1 + fraction, exponent - 15);
}

Float16 half_of(unsigned bits) {
  Float16 half;
  half.bits = static_cast<std::uint16_t>(bits);
  return half;
}

}  // namespace

TEST_CASE("every binary16 number survives the way to float and back") {
  for (unsigned bits = 0; bits < 0x10000u; ++bits) {
    const float wide = static_cast<float>(half_of(bits));
    const bool special = (bits & 0x7c00u) == 0x7c00u;
    if (special && (bits & 0x3ffu) != 0) {
      REQUIRE(std::isnan(wide));
      REQUIRE(std::isnan(static_cast<float>(Float16(wide))));
      continue;
    }
    if (special) {
      REQUIRE(std::isinf(wide));
    } else {
      REQUIRE(static_cast<double>(wide) == value_of(bits));
    }
    REQUIRE(Float16(wide).bits == bits);
  }
}

TEST_CASE("binary16 rounds to nearest, ties to even, between every two neighbours") {
  for (unsigned bits = 0; bits < 0x7bffu; ++bits) {
    const double low = value_of(bits);
    const double high = value_of(bits + 1);
    const auto middle = static_cast<float>((low + high) / 2);  // exact: one bit more
    const unsigned even = bits % 2 == 0 ? bits : bits + 1;
    REQUIRE(Float16(middle).bits == even);
    REQUIRE(Float16(std::nextafter(middle, 0.0f)).bits == bits);
    REQUIRE(Float16(std::nextafter(middle, 1e30f)).bits == bits + 1);
    REQUIRE(Float16(-middle).bits == (even | 0x8000u));
  }
  CHECK(Float16(65519.996f).bits == 0x7bffu);
  CHECK(Float16(65520.0f).bits == 0x7c00u);
  CHECK(Float16(1e30f).bits == 0x7c00u);
  CHECK(Float16(0x1p-25f).bits == 0);  // tie between zero and the smallest
  CHECK(Float16(std::nextafter(0x1p-25f, 1.0f)).bits == 1);
  CHECK(Float16(-0.0f).bits == 0x8000u);
}

TEST_CASE("bfloat16 keeps its numbers and rounds to nearest, ties to even") {
  for (unsigned bits = 0; bits < 0x10000u; ++bits) {
    const float wide = std::bit_cast<float>(bits << 16);
    if (std::isnan(wide)) {
      REQUIRE(std::isnan(static_cast<float>(BFloat16(wide))));
      continue;
    }
    REQUIRE(BFloat16(wide).bits == bits);
    if (std::isinf(wide)) continue;
    const unsigned even = bits % 2 == 0 ? bits : bits + 1;
    REQUIRE(BFloat16(std::bit_cast<float>((bits << 16) | 0x8000u)).bits == even);
    REQUIRE(BFloat16(std::bit_cast<float>((bits << 16) | 0x7fffu)).bits == bits);
    REQUIRE(BFloat16(std::bit_cast<float>((bits << 16) | 0x8001u)).bits == bits + 1);
  }
  // A NaN whose payload is in the dropped half.
  CHECK(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(std::isinf(static_cast<float>(BFloat16(std::numeric_limits<float>::max()))));
}

TEST_CASE("types know their size, name and nature") {
  CHECK(size_of(DType::f32) == 4);
  CHECK(size_of(DType::f64) == 8);
  CHECK(size_of(DType::bf16) == 2);
  CHECK(size_of(DType::f16) == 2);
  CHECK(size_of(DType::i64) == 8);
  CHECK(size_of(DType::u8) == 1);
  CHECK(to_string(DType::bf16) == "bf16");
  CHECK(is_floating(DType::f16));
  CHECK(!is_floating(DType::u8));
  CHECK(convert<std::int64_t>(Float16(3.75f)) == 3);
  CHECK(static_cast<float>(convert<BFloat16>(std::int64_t{5})) == 5.0f);
}

}  // namespace satsuma::testing
