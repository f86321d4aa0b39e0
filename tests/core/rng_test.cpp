#include "satsuma/core/rng.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace satsuma::testing {

TEST_CASE("the numbers are those of Philox4x32-10") {
  // Known answer of Random123 for key {0, 0} and counter {0, 0, 0, 0}.
  Rng rng(0, 0);
  for (const std::uint32_t expected : {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u})
    CHECK(rng.next() == expected);
}

TEST_CASE("seek continues where another generator stood") {
  for (const std::uint64_t at : {0ull, 1ull, 3ull, 4ull, 7ull, 1000ull, (1ull << 34) + 2}) {
    CAPTURE(at);
    Rng walked(5, 9);
    walked.seek(at > 4 ? at - 4 : 0);
    while (walked.position() < at) walked.next();
    Rng jumped(5, 9);
    jumped.seek(at);
    for (int i = 0; i < 9; ++i) REQUIRE(walked.next() == jumped.next());
    CHECK(walked.position() == at + 9);
  }
}

TEST_CASE("seeds and streams give different numbers") {
  std::set<std::uint32_t> first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (std::uint64_t stream = 0; stream < 20; ++stream) first.insert(Rng(seed, stream).next());
  }
  CHECK(first.size() == 400);
}

TEST_CASE("uniform, below and normal have the moments they should") {
  Rng rng(1);
  constexpr int kCount = 100000;
  double uniform_sum = 0;
  double normal_sum = 0;
  double normal_square = 0;
  std::array<int, 7> counts{};
  for (int i = 0; i < kCount; ++i) {
    const float u = rng.uniform();
    REQUIRE((u >= 0.0f && u < 1.0f));
    uniform_sum += static_cast<double>(u);
    const double z = static_cast<double>(rng.normal());
    normal_sum += z;
    normal_square += z * z;
    const std::uint64_t draw = rng.below(7);
    REQUIRE(draw < 7);
    ++counts[draw];
  }
  // Five standard deviations of each mean.
  CHECK(std::abs(uniform_sum / kCount - 0.5) < 5 * 0.2887 / std::sqrt(kCount));
  CHECK(std::abs(normal_sum / kCount) < 5 / std::sqrt(kCount));
  CHECK(std::abs(normal_square / kCount - 1) < 5 * std::sqrt(2.0 / kCount));
  for (const int count : counts) CHECK(std::abs(count - kCount / 7.0) < 5 * std::sqrt(kCount / 7.0));
  CHECK(Rng(3).below(1) == 0);
}

}  // namespace satsuma::testing
