#include "satsuma/ops/dropout.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/parallel.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::testing {

TEST_CASE("dropout zeroes its share and scales the rest, in both directions") {
  const Tensor ones = Tensor::full({32, 10, 9, 9}, 1.0, DType::f32, MemoryFormat::batch_blocked);
  Tensor x = ones.detach();
  x.set_requires_grad();
  Rng rng(3);
  const Tensor y = ops::dropout(x, 0.25, true, rng);
  const std::vector<float> values = y.to_vector<float>();
  const float kept = static_cast<float>(1.0 / 0.75);
  double zeros = 0;
  for (const float value : values) {
    REQUIRE((value == 0.0f || value == kept));
    zeros += value == 0.0f ? 1 : 0;
  }
  // Binomial: the standard deviation of the share is sqrt(0.25 * 0.75 / 25920) = 0.0027.
  CHECK(std::abs(zeros / static_cast<double>(values.size()) - 0.25) < 0.012);
  backward(y, ones);
  CHECK(x.grad().to_vector<float>() == values);
}

TEST_CASE("what dropout draws depends on the state of the generator alone") {
  const Tensor x = random_tensor({20, 40, 9, 9}, 4, DType::f32, MemoryFormat::batch_blocked);
  const int before = threads();
  std::vector<std::vector<float>> results;
  std::vector<std::uint64_t> positions;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Rng rng(9, 4);
    rng.seek(5);
    results.push_back(ops::dropout(x, 0.5, true, rng).to_vector<float>());
    positions.push_back(rng.position());
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
  CHECK(positions[0] == positions[2]);
  CHECK(positions[0] == 5 + 32 * 40 * 81);  // the padding lanes draw, too

  Rng rng(9, 4);
  rng.seek(positions[0]);
  CHECK(ops::dropout(x, 0.5, true, rng).to_vector<float>() != results[0]);
}

TEST_CASE("dropout in evaluation, or with probability 0, is the identity and draws nothing") {
  const Tensor x = random_tensor({3, 4}, 1, DType::f32);
  Rng rng(1);
  CHECK(ops::dropout(x, 0.5, false, rng).same_as(x));
  CHECK(ops::dropout(x, 0.0, true, rng).same_as(x));
  CHECK(rng.position() == 0);
}

}  // namespace satsuma::testing
