// What activations kept in bf16 do to gradients, and what they must not change.

#include "satsuma/autograd/saved_precision.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "op_cases.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/attention.hpp"
#include "satsuma/ops/batch_norm.hpp"
#include "satsuma/ops/layer_norm.hpp"
#include "src/ops/saved_tensor.hpp"

namespace satsuma::testing {

namespace {

/// The output of `op`, and the gradients of its inputs for a random gradient of it.
std::vector<std::vector<double>> results(const TensorFunction& op, const std::vector<Tensor>& inputs,
                                         DType precision) {
  const SavedPrecision scope(precision);
  Tensor y;
  const TensorFunction keeping = [&](const std::vector<Tensor>& in) { return y = op(in); };
  Shape shape;
  {
    const NoGrad no_grad;
    shape = op(inputs).shape();
  }
  std::vector<std::vector<double>> all;
  for (const Tensor& grad : gradients(keeping, inputs, random_tensor(shape, 3, DType::f32)))
    all.push_back(grad.to_vector<double>());
  all.insert(all.begin(), y.to_vector<double>());
  return all;
}

/// Length of the difference over the length of `expected`.
double error(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  double difference = 0;
  double length = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    length += expected[i] * expected[i];
  }
  return length > 0 ? std::sqrt(difference / length) : std::sqrt(difference);
}

/// Bytes that are in use more after f() than before, while its result lives.
template <typename F>
std::size_t bytes_kept(F&& f) {
  release_cached_memory();  // a cached block may be larger than what it is taken for
  const std::size_t before = memory_use().in_use;
  const auto result = f();
  return memory_use().in_use - before;
}

Tensor tracked(const Tensor& x) {
  Tensor result = x.detach();
  result.set_requires_grad();
  return result;
}

}  // namespace

TEST_CASE("the precision of a scope ends with it") {
  CHECK(saved_precision() == DType::f32);
  {
    const SavedPrecision outer(DType::bf16);
    CHECK(saved_precision() == DType::bf16);
    const SavedPrecision inner(DType::f32);
    CHECK(saved_precision() == DType::f32);
  }
  CHECK(saved_precision() == DType::f32);
  CHECK_THROWS_WITH_AS(SavedPrecision(DType::f16), doctest::Contains("expected f32 or bf16"), Error);
}

TEST_CASE("every function computes the same values, and gradients but for the rounding of what is kept") {
  double largest_error = 0;
  for (const OpCase& op : op_cases()) {
    for (const std::int64_t batch : kBatches) {
      if (batch < op.least_batch) continue;
      for (const MemoryFormat format : kFormats) {
        CAPTURE(op.name);
        CAPTURE(batch);
        CAPTURE(static_cast<int>(format));
        const std::vector<Tensor> inputs = op.inputs(batch, DType::f32, format);
        const auto expected = results(op.op, inputs, DType::f32);
        const auto got = results(op.op, inputs, DType::bf16);
        CHECK(got[0] == expected[0]);
        double scale = 0;
        for (std::size_t i = 1; i < got.size(); ++i)
          for (const double value : expected[i]) scale = std::max(scale, std::abs(value));
        for (std::size_t i = 1; i < got.size(); ++i) {
          CAPTURE(i);
          double difference = 0;
          for (std::size_t at = 0; at < got[i].size(); ++at)
            difference = std::max(difference, std::abs(got[i][at] - expected[i][at]));
          largest_error = std::max(largest_error, scale > 0 ? difference / scale : 0.0);
          // Of two values a batch norm's gradient is what their rounding leaves: in exact numbers nearly 0.
          if (op.name.starts_with("batch_norm") && inputs[0].numel() / inputs[0].dim(1) < 4) continue;
          // A number is rounded by 2^-9 of itself at most. Products of two that were rounded, in the exponent
          // of attention's softmax, grow with the numbers, here up to about 3.
          CHECK(difference <= (op.name.find("ttention") != std::string::npos ? 0.05 : 0.01) * scale);
        }
      }
    }
  }
  MESSAGE("largest error of a gradient: " << largest_error);
  CHECK(largest_error > 1e-4);  // something was rounded
}

TEST_CASE("gradients of what only asks for a sign are the same bits") {
  const std::vector<Tensor> inputs = {random_tensor({17, 5, 3, 2}, 1, DType::f32),
                                      random_tensor({17, 5, 3, 2}, 2, DType::f32)};
  const TensorFunction ops[] = {[](const auto& in) { return ops::relu(in[0]); },
                                [](const auto& in) { return ops::add_relu(in[0], in[1]); }};
  for (const TensorFunction& op : ops) {
    const std::vector<Tensor> used(inputs.begin(), inputs.begin() + (&op - ops) + 1);
    CHECK(results(op, used, DType::bf16) == results(op, used, DType::f32));
  }
}

TEST_CASE("a large mean costs a norm no digits") {
  // Rounded as it is, a number near 1000 would lose all that distinguishes it from its neighbours.
  for (const MemoryFormat format : {MemoryFormat::channels_last, MemoryFormat::batch_blocked}) {
    CAPTURE(static_cast<int>(format));
    const auto shifted = [&](const Shape& shape) {
      Tensor x = random_tensor(shape, 1, DType::f32, format);
      Tensor result = Tensor::empty(shape, DType::f32, format);
      result.copy_from(ops::add(x, Tensor::full(shape, 1000.0, DType::f32, format)));
      return result;
    };
    const TensorFunction batch_norm = [](const auto& in) {
      return ops::batch_norm_act(in[0], in[1], in[2], {}, {}, true, 0.1, 1e-5, true, in[3]);
    };
    const TensorFunction layer_norm = [](const auto& in) {
      return ops::layer_norm(in[0], in[1], in[2], 1e-5);
    };
    const Tensor gamma = random_tensor({6}, 2, DType::f32);
    const Tensor beta = random_tensor({6}, 3, DType::f32);
    const std::vector<std::pair<TensorFunction, std::vector<Tensor>>> cases = {
        {batch_norm, {shifted({33, 6, 4, 3}), gamma, beta, random_tensor({33, 6, 4, 3}, 4, DType::f32)}},
        {layer_norm, {shifted({33, 5, 6}), gamma, beta}}};
    for (const auto& [op, inputs] : cases) {
      const auto expected = results(op, inputs, DType::f32);
      const auto got = results(op, inputs, DType::bf16);
      // 2^-9 for a number, less for a sum of many.
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(error(got[i], expected[i]) < 0x1p-8);
      CHECK(error(got[1], expected[1]) > 0);
    }
  }
}

TEST_CASE("tensors of f64 are kept as they are") {
  const Tensor x = random_tensor({3, 4}, 1, DType::f64);
  const SavedPrecision scope(DType::bf16);
  CHECK(ops::SavedTensor(x).kept().dtype() == DType::f64);
  CHECK(ops::SavedTensor(x.to(DType::f32)).kept().dtype() == DType::bf16);
}

TEST_CASE("what is kept takes half the memory, and ops that keep the same elements share them") {
  const Shape shape = {64, 32, 16, 16};  // 2 MiB of f32: what is small beside it does not count
  const Tensor x = tracked(random_tensor(shape, 1, DType::f32, MemoryFormat::batch_blocked));
  const Tensor gamma = tracked(Tensor::full({32}, 1.0));
  const Tensor beta = tracked(Tensor::zeros({32}));
  // The output is dropped where the next op has used it, as in a model.
  const auto norm_and = [&](const auto& next) {
    return next(ops::batch_norm_act(x, gamma, beta, {}, {}, true, 0.1, 1e-5, true));
  };
  const auto relu_too = [&] { return ops::scale(norm_and([](const Tensor& y) { return ops::relu(y); }), 2); };
  const auto unit = static_cast<double>(shape.numel());
  const auto kept = [&](DType precision) {
    const SavedPrecision scope(precision);
    return static_cast<double>(bytes_kept(relu_too)) / unit - 4;  // without the output
  };
  // The input lives outside; what the norm writes and what the ReLU writes.
  CHECK(kept(DType::f32) == doctest::Approx(8).epsilon(0.02));
  // The input without its mean; what the norm writes, as the ReLU's own, is an f32 that went away.
  CHECK(kept(DType::bf16) == doctest::Approx(6).epsilon(0.02));

  const SavedPrecision scope(DType::bf16);
  const Tensor y = norm_and([](const Tensor& out) { return out; });
  const std::size_t more = bytes_kept([&] { return ops::SavedTensor(y); });
  CHECK(more == 0);
  const std::size_t of_a_view = bytes_kept([&] {
    return ops::SavedTensor(y.reshape_view({64, 32, 256}), y);
  });
  CHECK(of_a_view == 0);
}

TEST_CASE("gradients are the same bits again, and with other threads where they were") {
  const auto run = [] {
    const SavedPrecision scope(DType::bf16);
    const TensorFunction op = [](const auto& in) {
      return ops::self_attention(ops::layer_norm(ops::gelu(in[0]), in[1], in[2], 1e-5), 2);
    };
    const std::vector<Tensor> inputs = {
        random_tensor({33, 9, 24}, 1, DType::f32, MemoryFormat::batch_blocked),
        random_tensor({24}, 2, DType::f32), random_tensor({24}, 3, DType::f32)};
    return results(op, inputs, DType::bf16);
  };
  const int before = threads();
  set_threads(1);
  const auto one = run();
  set_threads(3);
  const auto three = run();
  set_threads(before);
  CHECK(one == three);
  CHECK(run() == run());
}

}  // namespace satsuma::testing
