#include "satsuma/autograd/backward.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/shape.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::testing {

namespace {

Tensor leaf(const std::vector<double>& values) {
  Tensor x = Tensor::from(values, {static_cast<std::int64_t>(values.size())});
  x.set_requires_grad();
  return x;
}

using Values = std::vector<double>;

Values grad_of(const Tensor& x) {
  return x.grad().to_vector<double>();
}

}  // namespace

TEST_CASE("a chain of 100,000 operations runs, and is destroyed, without recursion") {
  constexpr int kLength = 100000;
  Tensor x = leaf({1.0, -2.0});
  {
    Tensor y = x;
    for (int i = 0; i < kLength; ++i) y = ops::add(y, x);
    backward(y, Tensor::full({2}, 1.0, DType::f64));
    CHECK(grad_of(x) == Values{kLength + 1.0, kLength + 1.0});
  }
  // A graph that no backward() ever takes apart.
  Tensor y = x;
  for (int i = 0; i < kLength; ++i) y = ops::scale(y, 1.0);
  y = Tensor();
  // One whose nodes are all held by a second output in the middle.
  Tensor z = x;
  Tensor middle;
  for (int i = 0; i < kLength; ++i) {
    z = ops::mul(z, z);
    if (i == kLength / 2) middle = z;
  }
  z = Tensor();
  middle = Tensor();
}

TEST_CASE("diamonds wait for all of their sides") {
  // y = a * b with a = x + x, b = a * x: y = 4 x^3, dy/dx = 12 x^2.
  Tensor x = leaf({3.0});
  const Tensor a = ops::add(x, x);
  const Tensor b = ops::mul(a, x);
  backward(ops::mul(a, b));
  CHECK(grad_of(x) == Values{108.0});

  // Twenty diamonds in a row have a million paths, which are not walked one by one.
  Tensor first = leaf({1.0});
  Tensor y = first;
  for (int i = 0; i < 20; ++i) y = ops::add(y, y);
  backward(y);
  CHECK(grad_of(first) == Values{1048576.0});
}

TEST_CASE("gradients of several backward passes add up") {
  Tensor x = leaf({2.0, 3.0});
  const Tensor seed = Tensor::from(Values{1.0, 10.0}, {2});
  backward(ops::scale(x, 2.0), seed);
  CHECK(grad_of(x) == Values{2.0, 20.0});
  backward(ops::scale(x, 3.0), seed);
  CHECK(grad_of(x) == Values{5.0, 50.0});
}

TEST_CASE("a gradient that shares its elements with another tensor is not written to") {
  // The derivative of add hands the same tensor to both inputs, and it is the seed itself.
  Tensor a = leaf({1.0});
  Tensor b = leaf({1.0});
  const Tensor seed = Tensor::full({1}, 5.0, DType::f64);
  backward(ops::add(a, b), seed);
  CHECK(grad_of(a) == Values{5.0});
  backward(ops::scale(a, 1.0), seed);
  CHECK(grad_of(a) == Values{10.0});
  CHECK(grad_of(b) == Values{5.0});
  CHECK(seed.item() == 5.0);

  // Inside one pass, too: x gets the seed twice, y keeps it.
  Tensor x = leaf({1.0});
  Tensor y = leaf({1.0});
  backward(ops::add(ops::add(x, y), x), seed);
  CHECK(grad_of(x) == Values{10.0});
  CHECK(grad_of(y) == Values{5.0});
  CHECK(seed.item() == 5.0);
}

TEST_CASE("gradients of one tensor may come in several layouts") {
  const Shape shape = {18, 3, 2, 2};
  Tensor x = random_tensor(shape, 1, DType::f64, MemoryFormat::batch_blocked);
  x.set_requires_grad();
  // One path gives a blocked gradient, the other a row-major one.
  const Tensor y = ops::add(ops::scale(x, 2.0), ops::reshape(ops::reshape(x, {-1}), shape));
  const Tensor seed = random_tensor(shape, 2);
  backward(y, seed);
  const Values expected = seed.to_vector<double>();
  const Values got = grad_of(x);
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == doctest::Approx(3 * expected[i]));
}

TEST_CASE("saved tensors are released as they are used") {
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  const auto elements = static_cast<std::int64_t>(kBytes / sizeof(float));
  // Each node saves four MiB of its own, and looks how much is in use when its derivative runs.
  const Tensor x = Tensor::zeros({1}).set_requires_grad();
  std::vector<std::size_t> in_use;
  Tensor y = x;
  const std::size_t before = memory_use().in_use;
  for (int i = 0; i < 5; ++i) {
    const Tensor saved = Tensor::empty({elements});
    y = record({"hoard", {y}}, Tensor::zeros({1}), [&]() -> Backward {
      return [saved, &in_use](const Tensor& g, const std::vector<bool>&) {
        in_use.push_back(memory_use().in_use);
        return std::vector<Tensor>{g};
      };
    });
  }
  CHECK(memory_use().in_use >= before + 5 * kBytes);
  backward(y);
  REQUIRE(in_use.size() == 5);
  for (std::size_t i = 1; i < 5; ++i) CHECK(in_use[i] + kBytes <= in_use[i - 1]);
  CHECK(memory_use().in_use < before + kBytes);  // although y still holds the graph
}

TEST_CASE("a second backward pass over a graph throws") {
  Tensor x = leaf({2.0});
  const Tensor y = ops::scale(x, 3.0);
  backward(y);
  std::string message;
  try {
    backward(y);
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message.find("scale") != std::string::npos);
  CHECK(message.find("second time") != std::string::npos);
  CHECK(grad_of(x) == Values{3.0});
}

TEST_CASE("NoGrad records nothing, and ends with its scope") {
  Tensor x = leaf({2.0});
  {
    const NoGrad no_grad;
    CHECK(!grad_enabled());
    { const NoGrad again; }
    CHECK(!grad_enabled());
    CHECK(!ops::scale(x, 3.0).requires_grad());
    CHECK(!needs_grad({x}));
  }
  CHECK(grad_enabled());
  CHECK(ops::scale(x, 3.0).requires_grad());
  CHECK(!ops::scale(Tensor::zeros({1}), 3.0).requires_grad());
  CHECK(!x.detach().requires_grad());
}

TEST_CASE("derivatives run without recording, and only for inputs that need one") {
  Tensor x = leaf({1.0});
  const Tensor constant = Tensor::full({1}, 4.0, DType::f64);
  std::vector<bool> asked;
  bool recorded = true;
  const Tensor y =
      record({"probe", {constant, x, Tensor()}}, Tensor::zeros({1}, DType::f64), [&]() -> Backward {
        return [&](const Tensor& g, const std::vector<bool>& needs) {
          asked = needs;
          recorded = grad_enabled();
          return std::vector<Tensor>{Tensor(), g, Tensor()};
        };
      });
  backward(y);
  CHECK(asked == std::vector<bool>{false, true, false});
  CHECK(!recorded);
}

TEST_CASE("a branch that answers with no gradient does not hold up the rest") {
  Tensor x = leaf({1.0});
  const Tensor silent =
      record({"silent", {ops::scale(x, 2.0)}}, Tensor::zeros({1}, DType::f64), []() -> Backward {
        return [](const Tensor&, const std::vector<bool>&) { return std::vector<Tensor>(1); };
      });
  backward(ops::add(silent, ops::scale(x, 7.0)));
  CHECK(grad_of(x) == Values{7.0});
}

TEST_CASE("misuse is refused") {
  Tensor x = leaf({1.0, 2.0});
  CHECK_THROWS_AS(backward(Tensor::zeros({1})), Error);
  CHECK_THROWS_AS(backward(x), Error);
  CHECK_THROWS_AS(backward(ops::scale(x, 2.0)), ShapeError);  // two elements and no seed
  const Tensor wrong = record({"wrong", {x}}, Tensor::zeros({1}, DType::f64), []() -> Backward {
    return [](const Tensor&, const std::vector<bool>&) { return std::vector<Tensor>(3); };
  });
  CHECK_THROWS_AS(backward(wrong), Error);
  CHECK_THROWS_AS(Tensor::zeros({1}).set_grad(Tensor::zeros({1})), Error);
}

}  // namespace satsuma::testing
