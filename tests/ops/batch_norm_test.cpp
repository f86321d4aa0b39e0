// What the table of functions does not show of batch normalisation: running statistics, precision,
// determinism.

#include "satsuma/ops/batch_norm.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/parallel.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::testing {

TEST_CASE("training moves the running statistics as PyTorch does") {
  // torch.nn.BatchNorm2d(2) in training mode on torch.arange(24.).view(3, 2, 2, 2) ** 2 / 100.
  std::vector<double> values;
  for (int i = 0; i < 24; ++i) values.push_back(i * i / 100.0);
  const Tensor x = Tensor::from(values, {3, 2, 2, 2});
  const Tensor mean = Tensor::zeros({2}, DType::f64);
  const Tensor var = Tensor::full({2}, 1.0, DType::f64);
  const Tensor one = Tensor::full({2}, 1.0, DType::f64);
  const Tensor zero = Tensor::zeros({2}, DType::f64);
  ops::batch_norm(x, one, zero, mean, var, true);

  for (const int c : {0, 1}) {
    double sum = 0;
    double square = 0;
    for (int n = 0; n < 3; ++n) {
      for (int i = 0; i < 4; ++i) {
        const double v = values[static_cast<std::size_t>(n * 8 + c * 4 + i)];
        sum += v;
        square += v * v;
      }
    }
    const double expected_mean = sum / 12;
    const double unbiased = (square - 12 * expected_mean * expected_mean) / 11;
    CHECK(mean.to_vector<double>()[static_cast<std::size_t>(c)] == doctest::Approx(0.1 * expected_mean));
    CHECK(var.to_vector<double>()[static_cast<std::size_t>(c)] == doctest::Approx(0.9 + 0.1 * unbiased));
  }

  const std::vector<double> before = mean.to_vector<double>();
  ops::batch_norm(x, one, zero, mean, var, false);
  CHECK(mean.to_vector<double>() == before);
}

TEST_CASE("a mean far from zero costs no precision") {
  // With E[x^2] - E[x]^2 in single precision a deviation of 1 at a mean of 1000 would be lost altogether.
  const Shape shape = {33, 4, 9, 9};
  const Tensor noise = random_tensor(shape, 5, DType::f64);
  std::vector<float> values = noise.to_vector<float>();
  for (float& value : values) value += 1000.0f;
  const Tensor x = Tensor::from(values, shape);
  const auto normalised = [&](const Tensor& input) {
    const DType dtype = input.dtype();
    return ops::batch_norm(input, Tensor::full({4}, 1.0, dtype), Tensor::zeros({4}, dtype), {}, {}, true)
        .to_vector<double>();
  };
  const std::vector<double> single = normalised(x);
  const std::vector<double> twice = normalised(x.to(DType::f64));
  double worst = 0;
  for (std::size_t i = 0; i < single.size(); ++i) worst = std::max(worst, std::abs(single[i] - twice[i]));
  CHECK(worst < 3e-4);  // one unit in the last place of 1000 is 6e-5
}

TEST_CASE("a constant channel gives its shift, and no gradient that is not finite") {
  Tensor x = Tensor::full({17, 2, 3, 3}, 3.25, DType::f32, MemoryFormat::batch_blocked);
  x.set_requires_grad();
  const Tensor beta = Tensor::full({2}, 0.5);
  const Tensor y = ops::batch_norm(x, Tensor::full({2}, 2.0), beta, {}, {}, true);
  for (const double value : y.to_vector<double>()) CHECK(value == 0.5);
  backward(y, random_tensor(y.shape(), 1, DType::f32));
  for (const double value : x.grad().to_vector<double>()) CHECK(std::isfinite(value));
}

TEST_CASE("padding lanes do not matter") {
  const Shape shape = {5, 3, 4, 4};
  const Tensor clean = random_tensor(shape, 8, DType::f32);
  Tensor dirty = random_tensor(shape, 8, DType::f32, MemoryFormat::batch_blocked);
  const Tensor residual = random_tensor(shape, 9, DType::f32, MemoryFormat::batch_blocked);
  const auto run = [&](Tensor x, const Tensor& seed) {
    x = x.detach();
    x.set_requires_grad();
    const Tensor y = ops::batch_norm_act(x, Tensor::full({3}, 1.5), Tensor::zeros({3}), {}, {}, true, 0.1,
                                         1e-5, true, residual);
    backward(y, seed);
    std::vector<double> all = y.to_vector<double>();
    const std::vector<double> grad = x.grad().to_vector<double>();
    all.insert(all.end(), grad.begin(), grad.end());
    return all;
  };
  CHECK(run(clean, random_tensor(shape, 10, DType::f32)) ==
        run(dirty, random_tensor(shape, 10, DType::f32, MemoryFormat::batch_blocked)));
}

TEST_CASE("the number of threads changes no bit") {
  const int before = threads();
  const Tensor x = random_tensor({40, 70, 11, 7}, 2, DType::f32, MemoryFormat::batch_blocked);
  const Tensor g = random_tensor(x.shape(), 3, DType::f32, MemoryFormat::batch_blocked);
  std::vector<std::vector<float>> results;
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    Tensor leaf = x.detach();
    leaf.set_requires_grad();
    backward(ops::batch_norm(leaf, Tensor::full({70}, 1.0), Tensor::zeros({70}), {}, {}, true), g);
    results.push_back(leaf.grad().to_vector<float>());
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("a fused block saves its input and its output, nothing of their size beside") {
  const Shape shape = {16, 64, 16, 16};
  const std::size_t bytes = static_cast<std::size_t>(shape.numel()) * sizeof(float);
  Tensor x = random_tensor(shape, 2, DType::f32, MemoryFormat::batch_blocked);
  const Tensor residual = random_tensor(shape, 3, DType::f32, MemoryFormat::batch_blocked);
  x.set_requires_grad();
  const std::size_t before = memory_use().in_use;
  const Tensor y = ops::batch_norm_act(x, Tensor::full({64}, 1.0), Tensor::zeros({64}), {}, {}, true, 0.1,
                                       1e-5, true, residual);
  CHECK(memory_use().in_use - before < bytes + bytes / 8);
}

}  // namespace satsuma::testing
