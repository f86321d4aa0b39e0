// Every function says what it got and what it expected, and names itself.

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "satsuma/autograd/trace.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/attention.hpp"
#include "satsuma/ops/batch_norm.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/ops/dropout.hpp"
#include "satsuma/ops/layer_norm.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"
#include "satsuma/ops/softmax.hpp"

namespace satsuma::testing {

namespace {

Tensor of(const Shape& shape, DType dtype = DType::f32) {
  return Tensor::zeros(shape, dtype);
}

template <typename E>
std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "accepted";
}

/// Calls `f`, which must throw E with a message of one line that holds all of `parts`. What numbers are not
/// needed for is refused in the same words where there are none.
template <typename E>
void expect(const std::function<void()>& f, const std::vector<std::string>& parts,
            bool needs_numbers = false) {
  const std::string message = message_of<E>(f);
  CAPTURE(message);
  CHECK(message.find('\n') == std::string::npos);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(message.find(part) != std::string::npos);
  }
  Trace trace;
  const Tracing tracing(trace);
  CHECK((needs_numbers || message_of<E>(f) == message));
}

}  // namespace

TEST_CASE("errors of arithmetic and activations") {
  expect<ShapeError>([] { ops::relu(of({2}, DType::i64)); }, {"[relu]", "i64"});
  expect<ShapeError>([] { ops::gelu(of({2}, DType::f16)); }, {"[gelu]", "f16"});
  for (const auto& op : {ops::add, ops::mul, ops::add_relu}) {
    expect<ShapeError>([&] { op(of({2}, DType::i64), of({2}, DType::i64)); }, {"i64"});
  }
  expect<ShapeError>([] { ops::scale(of({2}, DType::i64), 2); }, {"[scale]", "i64"});
  expect<ShapeError>([] { ops::add(of({2, 3}), of({4})); }, {"[add]", "[2, 3]", "[4]", "expected"});
  expect<ShapeError>([] { ops::mul(of({2, 3}), of({3, 2})); }, {"[mul]", "[2, 3]", "[3, 2]"});
  expect<ShapeError>([] { ops::add(of({2}), of({2}, DType::f64)); }, {"[add]", "got", "f64", "expected f32"});
  expect<ShapeError>(
      [] {
        ops::add_relu(of({2, 3}), of({3}));
      },
      {"[add_relu]", "got", "[3]", "expected [2, 3]"});
}

TEST_CASE("errors of the norms") {
  const Tensor x = of({4, 3, 2, 2});
  expect<ShapeError>(
      [&] {
        ops::batch_norm(of({4, 3, 2}), of({3}), of({3}), {}, {}, true);
      },
      {"[batch_norm]", "[4, 3, 2]", "[N, C, H, W]"});
  expect<ShapeError>([&] { ops::batch_norm(x, of({4}), of({3}), {}, {}, true); },
                     {"[batch_norm]", "gamma [4]", "expected [3]"});
  expect<ShapeError>([&] { ops::batch_norm(x, of({3}), of({3}, DType::f64), {}, {}, true); },
                     {"beta", "f64"});
  expect<ShapeError>([&] { ops::batch_norm(x, of({3}), of({3}), of({3}), {}, true); },
                     {"running statistics"});
  expect<ShapeError>([&] { ops::batch_norm(x, of({3}), of({3}), of({3}), of({2}), true); },
                     {"running variance [2]"});
  expect<ShapeError>(
      [&] {
        ops::batch_norm_act(x, of({3}), of({3}), {}, {}, true, 0.1, 1e-5, true, of({4, 3, 2, 1}));
      },
      {"residual [4, 3, 2, 1]", "expected [4, 3, 2, 2]"});
  expect<ShapeError>(
      [&] {
        ops::batch_norm(of({1, 3, 1, 1}), of({3}), of({3}), {}, {}, true);
      },
      {"[batch_norm]", "[1, 3, 1, 1]", "more than one value"});
  expect<ShapeError>([&] { ops::layer_norm(x, of({2}), of({2})); }, {"[layer_norm]", "[N, T, D]"});
  expect<ShapeError>(
      [&] {
        ops::layer_norm(of({4, 3}), of({3}), of({2}));
      },
      {"[layer_norm]", "beta [2]", "expected [3]"});
}

TEST_CASE("errors of the pools") {
  const Tensor x = of({4, 3, 6, 6});
  expect<ShapeError>([&] { ops::max_pool(of({4, 3, 6}), {}); }, {"[max_pool]", "[4, 3, 6]", "[N, C, H, W]"});
  expect<ShapeError>(
      [&] {
        ops::max_pool(x, {{7, 2}, {2, 2}, {0, 0}});
      },
      {"[max_pool]", "kernel 7", "axis 2"});
  expect<ShapeError>(
      [&] {
        ops::max_pool(x, {{2, 2}, {2, 0}, {0, 0}});
      },
      {"[max_pool]", "stride 0", "axis 3"});
  expect<ShapeError>([&] { ops::max_pool(x, {{2, 2}, {2, 2}, {2, 0}}); }, {"[max_pool]", "padding 2"});
  expect<ShapeError>(
      [&] {
        ops::max_pool(of({1, 1, 40, 40}), {{17, 16}, {1, 1}, {0, 0}});
      },
      {"[max_pool]", "17 x 16", "256"});
  expect<ShapeError>([&] { ops::average_pool(x, {{2, 0}, {2, 2}, {0, 0}}); }, {"[average_pool]", "kernel 0"});
  expect<ShapeError>([&] { ops::adaptive_average_pool(x, 0, 1); }, {"[adaptive_average_pool]", "0 x 1"});
}

TEST_CASE("errors of the shape functions") {
  const Tensor x = of({4, 3, 2});
  expect<ShapeError>([&] { ops::reshape(x, {5, 5}); }, {"[reshape]", "[5, 5]", "[4, 3, 2]"});
  expect<ShapeError>([&] { ops::reshape(x, {-1, 5}); }, {"[reshape]", "[-1, 5]", "[4, 3, 2]"});
  expect<ShapeError>([&] { ops::reshape(x, {-1, -1}); }, {"-1"});
  expect<ShapeError>([&] { ops::flatten(of({4})); }, {"[flatten]", "[4]"});
  expect<ShapeError>([&] { ops::permute(x, {0, 1}); }, {"[permute]", "[4, 3, 2]"});
  expect<ShapeError>([&] { ops::permute(x, {0, 1, 1}); }, {"[permute]", "0, 1, 1"});
  expect<ShapeError>([&] { ops::slice(x, 3, 0, 1); }, {"[slice]", "axis 3"});
  expect<ShapeError>([&] { ops::slice(x, 1, 2, 4); }, {"[slice]", "[2, 4)", "[4, 3, 2]"});
  expect<ShapeError>([&] { ops::expand(x, {3, 2}); }, {"[expand]", "[4, 3, 2]", "[3, 2]"});
  expect<ShapeError>([&] { ops::expand(x, {4, 3, 5}); }, {"[expand]", "[4, 3, 2]", "[4, 3, 5]"});
  expect<ShapeError>([&] { ops::concat({}, 0); }, {"[concat]"});
  const std::vector<Tensor> parts = {x, of({4, 3, 3})};
  expect<ShapeError>([&] { ops::concat(parts, 1); }, {"[concat]", "[4, 3, 3]", "[4, 3, 2]", "axis 1"});
}

TEST_CASE("errors of softmax, attention and the loss") {
  const Tensor q = of({2, 3, 4, 5});
  expect<ShapeError>([&] { ops::softmax(of({2, 3}), 0); }, {"[softmax]", "axis 0", "[2, 3]"});
  expect<ShapeError>([] { ops::softmax(of({2, 3}, DType::i64)); }, {"[softmax]", "i64"});
  expect<ShapeError>([&] { ops::softmax(of({2})); }, {"[softmax]", "[2]"});
  expect<ShapeError>(
      [&] {
        ops::attention(q, of({2, 3, 4, 6}), q);
      },
      {"[attention]", "k [2, 3, 4, 6]", "[2, 3, 4, 5]"});
  expect<ShapeError>([&] { ops::attention(q, q, of({2, 3, 5, 5})); }, {"[attention]", "v [2, 3, 5, 5]"});
  expect<ShapeError>([&] { ops::attention(of({2, 3, 4}), q, q); }, {"[attention]", "q [2, 3, 4]"});
  expect<ShapeError>([&] { ops::self_attention(of({2, 5, 12}), 3); }, {"[self_attention]", "qkv [2, 5, 12]"});
  expect<ShapeError>([&] { ops::self_attention(of({2, 0, 12}), 2); }, {"[self_attention]", "one token"});
  expect<ShapeError>([&] { ops::self_attention(q, 2); }, {"[self_attention]", "[N, T, 3 D]"});
  const Tensor logits = of({3, 10});
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 9, 10}, {3});
  expect<ShapeError>([&] { ops::cross_entropy(logits, labels); },
                     {"[cross_entropy]", "label 10", "index 2", "0 to 9"}, true);
  expect<ShapeError>([&] { ops::count_correct(logits, labels); }, {"[count_correct]", "label 10"});
  expect<ShapeError>([&] { ops::cross_entropy(logits, of({2}, DType::i64)); },
                     {"labels [2]", "expected [3]"});
  expect<ShapeError>([&] { ops::cross_entropy(logits, of({3})); }, {"labels of f32", "expected i64"});
  expect<UsageError>([&] { ops::cross_entropy(logits, of({3}, DType::i64), 1.5); },
                     {"[cross_entropy]", "1.5", "0 to 1"});
  Rng rng(1);
  expect<UsageError>([&] { ops::dropout(logits, 1.0, true, rng); }, {"[dropout]", "1", "below 1"});
}

TEST_CASE("count_correct takes the first of equal maxima") {
  const Tensor logits = Tensor::from(std::vector<float>{1, 3, 3, 0, 0, 0, -1, -2, -1}, {3, 3});
  CHECK(ops::count_correct(logits, Tensor::from(std::vector<std::int64_t>{1, 0, 0}, {3})) == 3);
  CHECK(ops::count_correct(logits.to(MemoryFormat::batch_blocked),
                           Tensor::from(std::vector<std::int64_t>{2, 1, 2}, {3})) == 0);
}

}  // namespace satsuma::testing
