#include "satsuma/sparse/quantised.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "satsuma/core/error.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

using testing::random_tensor;

TEST_CASE("values become whole multiples of a scale of their row") {
  const Tensor weight =
      Tensor::from(std::vector<float>{1.0F, -0.3F, 0.1F, 0.0F, 0.5F, -127.0F, 63.4F, 0.4F}, {2, 4, 1, 1});
  const std::vector<float> rounded = quantised(weight, 8).to_vector<float>();
  // Row 0 has the scale 1 / 127: -38.1, 12.7; row 1 the scale 1.
  const std::vector<float> expected = {1.0F, -38.0F / 127, 13.0F / 127, 0.0F, 0.0F, -127.0F, 63.0F, 0.0F};
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(rounded[i] == doctest::Approx(expected[i]).epsilon(1e-6));  // a product and a division of f32
}

TEST_CASE("few bits are few values, each within half a scale of the weight; packed as dense") {
  for (const int bits : {2, 4, 8}) {
    CAPTURE(bits);
    const Tensor weight = random_tensor({16, 32, 3, 3}, 5, DType::f32, MemoryFormat::channels_last);
    const PackedWeight packed = compress_reference(weight, GroupAxis::input_channels, {2, 8});
    const PackedWeight rounded = quantised(packed, bits);
    CHECK(rounded.indices.to_vector<std::uint8_t>() == packed.indices.to_vector<std::uint8_t>());
    CHECK_FALSE(rounded.device_form);
    // What a row keeps has its own largest value, which a dense row of the kept elements has, too.
    CHECK(expand(rounded).to_vector<float>() == quantised(expand(packed), bits).to_vector<float>());
    const std::vector<float> before = packed.values.to_vector<float>();
    const std::vector<float> after = rounded.values.to_vector<float>();
    const std::size_t row = before.size() / 16;
    const int levels = (1 << (bits - 1)) - 1;
    for (std::size_t first = 0; first < before.size(); first += row) {
      float largest = 0;
      std::set<float> seen;
      for (std::size_t i = first; i < first + row; ++i) largest = std::max(largest, std::abs(before[i]));
      for (std::size_t i = first; i < first + row; ++i) {
        seen.insert(after[i]);
        CHECK(std::abs(after[i] - before[i]) <= largest / static_cast<float>(levels) * 0.50001F);
      }
      CHECK(static_cast<int>(seen.size()) <= 2 * levels + 1);
    }
  }
}

TEST_CASE("a row of zeros stays one, and bits have bounds") {
  const Tensor zeros = Tensor::zeros({2, 8, 1, 1}, DType::f32, MemoryFormat::channels_last);
  CHECK(quantised(zeros, 8).to_vector<float>() == zeros.to_vector<float>());
  CHECK_THROWS_AS(quantised(zeros, 1), UsageError);
  CHECK_THROWS_AS(quantised(zeros, 17), UsageError);
}

}  // namespace satsuma
