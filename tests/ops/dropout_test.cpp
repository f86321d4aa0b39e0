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

TEST_CASE("stochastic depth leaves out whole images and scales the rest, in both directions") {
  // 37 images: with padding lanes. Both formats of activations, rank 3 and 4, and double.
  for (const Shape& shape : {Shape{37, 5, 3, 3}, Shape{37, 6, 4}}) {
    for (const MemoryFormat format : {MemoryFormat::batch_blocked, MemoryFormat::channels_last}) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        Tensor x = random_tensor(shape, 4, dtype, format);
        x.set_requires_grad();
        Rng rng(5), again(5);
        const Tensor y = ops::drop_path(x, 0.25, true, rng);
        CHECK(rng.position() == 37);
        backward(y, x.detach());
        const std::vector<double> in = x.to_vector<double>();
        const std::vector<double> out = y.to_vector<double>(), grad = x.grad().to_vector<double>();
        const auto image = in.size() / 37;
        int kept = 0;
        for (std::size_t n = 0; n < 37; ++n) {
          const bool keep = again.uniform() >= 0.25F;
          kept += keep ? 1 : 0;
          for (std::size_t i = n * image; i < (n + 1) * image; ++i) {
            // One multiplication, by a factor rounded to the type: half a unit in the last place each.
            const double expected = keep ? in[i] / 0.75 : 0;
            CHECK(out[i] == doctest::Approx(expected).epsilon(dtype == DType::f32 ? 1.2e-7 : 1e-15));
            CHECK(grad[i] == out[i]);  // linear, and the seed is x
          }
        }
        CHECK(kept > 18);
        CHECK(kept < 37);
      }
    }
  }
}

TEST_CASE("stochastic depth in evaluation, or with probability 0, is the identity and draws nothing") {
  const Tensor x = random_tensor({3, 4}, 1, DType::f32);
  Rng rng(1);
  CHECK(ops::drop_path(x, 0.5, false, rng).same_as(x));
  CHECK(ops::drop_path(x, 0.0, true, rng).same_as(x));
  CHECK(rng.position() == 0);
  CHECK_THROWS_AS(ops::drop_path(x, 1.0, true, rng), UsageError);
}

}  // namespace satsuma::testing
