#include "src/devices/sat/halves.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "devices/sat/naive_sat.hpp"
#include "satsuma/core/half.hpp"

namespace satsuma::sat::driver {

TEST_CASE("every FP16 number comes back from FP32, and only the finite ones count as finite") {
  std::vector<std::uint16_t> all(1 << 16);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  std::vector<float> wide(all.size());
  CHECK_FALSE(to_floats(all.data(), static_cast<std::int64_t>(all.size()), wide.data()));
  std::vector<std::uint16_t> back(all.size());
  to_halves(wide.data(), static_cast<std::int64_t>(wide.size()), back.data());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool special = (all[i] & 0x7c00) == 0x7c00;
    if (std::isnan(wide[i])) {
      CHECK(back[i] == ((all[i] & 0x8000) | 0x7e00));
    } else {
      CHECK(back[i] == all[i]);
    }
    for (const std::int64_t count : {1, 8}) {
      std::vector<std::uint16_t> some(static_cast<std::size_t>(count), 0x3c00);
      some.back() = all[i];
      CHECK(to_floats(some.data(), count, wide.data()) == !special);
      wide[i] = 0;
    }
  }
}

TEST_CASE("FP32 rounds to the nearest FP16, ties to even, as core/half.hpp has it") {
  std::vector<float> values;
  // Around each FP16 number: the middle to the next, and its neighbours in FP32.
  for (std::uint32_t half = 0; half < 0x7c00; ++half) {
    Float16 number, next;
    number.bits = static_cast<std::uint16_t>(half);
    next.bits = static_cast<std::uint16_t>(half + 1);
    const float low = static_cast<float>(number);
    const float high = half == 0x7bff ? 65536.0f : static_cast<float>(next);
    const float middle = (low + high) / 2;
    for (const float value : {low, middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e9f)}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  for (const std::uint32_t bits :
       {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xff800001u, 0x7fffffffu, 1u, 0x80000001u})
    values.push_back(std::bit_cast<float>(bits));
  std::vector<std::uint16_t> halves(values.size());
  to_halves(values.data(), static_cast<std::int64_t>(values.size()), halves.data());
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    wrong += halves[i] == Float16(values[i]).bits ? 0 : 1;
    if (std::isnan(values[i])) continue;
    Float16 half;
    half.bits = halves[i];
    wrong += std::bit_cast<std::uint32_t>(static_cast<float>(half)) ==
                     std::bit_cast<std::uint32_t>(testing::round_to_fp16(values[i]))
                 ? 0
                 : 1;
  }
  CHECK(wrong == 0);
}

}  // namespace satsuma::sat::driver
