#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "random_tensor.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::testing {

/// A differentiable function of several tensors.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

/// Sum of the products of equal elements, whatever the layouts.
inline double inner_product(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Gradients of <projection, f(inputs)> by backward().
inline std::vector<Tensor> gradients(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                     const Tensor& projection) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(input.detach());
    leaves.back().set_requires_grad();
  }
  backward(f(leaves), projection);
  std::vector<Tensor> result;
  for (const Tensor& leaf : leaves) result.push_back(leaf.grad());
  return result;
}

/// Checks the derivative of `f` with respect to every input, f64 tensors, against central differences of
/// phi = <r, f(inputs)> with a random r: along three random directions in all elements of an input at once,
/// which no wrong element escapes, and element by element at up to `samples` places, which says where it is.
///
/// The step is 1e-5: the differences then carry a truncation error of about h^2 = 1e-10 and a rounding error
/// of about 1e-16 / h = 1e-11, both relative to phi and its derivatives, which are of the order of
/// sqrt(numel). The tolerance of 1e-7 of the larger of phi and the derivative leaves a factor of some
/// hundred, and is far below any mistake.
inline void check_gradients(const TensorFunction& f, const std::vector<Tensor>& inputs, int samples = 12,
                            double tolerance = 1e-7) {
  constexpr double kStep = 1e-5;
  Tensor output;
  {
    const NoGrad no_grad;
    output = f(inputs);
  }
  const Tensor projection =
      random_tensor(output.shape(), 99, DType::f64,
                    output.rank() >= 2 ? MemoryFormat::batch_blocked : MemoryFormat::row_major);
  const double size = std::sqrt(static_cast<double>(std::max<std::int64_t>(output.numel(), 1)));
  const std::vector<Tensor> grads = gradients(f, inputs, projection);

  const auto difference = [&](std::size_t input, const Tensor& direction) {
    const NoGrad no_grad;
    const auto moved = [&](double step) {
      std::vector<double> values = inputs[input].to_vector<double>();
      const std::vector<double> along = direction.to_vector<double>();
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += step * along[i];
      std::vector<Tensor> all = inputs;
      all[input] = inputs[input].clone();
      all[input].copy_from(Tensor::from(values, inputs[input].shape()));
      return inner_product(projection, f(all));
    };
    return (moved(kStep) - moved(-kStep)) / (2 * kStep);
  };

  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    REQUIRE(grads[i].defined());
    REQUIRE(to_string(grads[i].shape()) == to_string(inputs[i].shape()));
    REQUIRE(grads[i].dtype() == DType::f64);
    const std::int64_t count = inputs[i].numel();
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      std::vector<double> signs(static_cast<std::size_t>(count));
      Rng coin(1000 + seed);
      for (double& sign : signs) sign = coin.below(2) == 0 ? 1.0 : -1.0;
      const Tensor direction = Tensor::from(signs, inputs[i].shape());
      const double scale = size * std::sqrt(static_cast<double>(std::max<std::int64_t>(count, 1)));
      CHECK(std::abs(difference(i, direction) - inner_product(grads[i], direction)) <= tolerance * scale);
    }
    Rng rng(7);
    const std::vector<double> grad = grads[i].to_vector<double>();
    for (int sample = 0; sample < std::min<std::int64_t>(samples, count); ++sample) {
      const std::int64_t at = sample == 0 ? 0
                              : sample == 1
                                  ? count - 1
                                  : static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(count)));
      std::vector<double> unit(static_cast<std::size_t>(count));
      unit[static_cast<std::size_t>(at)] = 1.0;
      CAPTURE(at);
      const double expected = difference(i, Tensor::from(unit, inputs[i].shape()));
      CHECK(std::abs(expected - grad[static_cast<std::size_t>(at)]) <= tolerance * size);
    }
  }
}

}  // namespace satsuma::testing
