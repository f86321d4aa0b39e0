// Every function on tensors without elements: the shapes and layouts that it gives numbers, and one op
// written down.

#include "satsuma/autograd/trace.hpp"

#include <doctest/doctest.h>

#include <set>

#include "op_cases.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/ops/dropout.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::testing {

namespace {

/// Tensors of the same shapes, types and layouts, without elements.
std::vector<Tensor> shapes_of(const std::vector<Tensor>& tensors) {
  const NoStorage shapes_only;
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(Tensor::empty_like(tensor));
  return result;
}

}  // namespace

TEST_CASE("a trace has the shapes of a real run, and no op is missing in it") {
  std::set<std::string_view> kinds;
  for (const OpCase& op : op_cases()) {
    for (const std::int64_t batch : {7, 16, 17}) {
      for (const MemoryFormat format : kFormats) {
        CAPTURE(op.name);
        CAPTURE(batch);
        const std::vector<Tensor> inputs = op.inputs(batch, DType::f32, format);
        const Tensor real = op.op(inputs);
        std::vector<Tensor> without = shapes_of(inputs);
        without[0].set_requires_grad();

        Trace trace;
        for (const Tensor& input : without) trace.declare(input, Trace::Source::input, "x");
        Tensor y;
        {
          const Tracing tracing(trace);
          y = op.op(without);
        }
        CHECK(to_string(y.shape()) == to_string(real.shape()));
        CHECK(y.dtype() == real.dtype());
        CHECK((y.layout() == real.layout()));
        CHECK_FALSE(y.has_storage());
        CHECK_THROWS_AS(y.to_vector<float>(), Error);

        REQUIRE_FALSE(trace.ops().empty());
        const Trace::Value& result = trace.value(trace.ops().back().output);
        CHECK(result.tensor.same_as(y));
        CHECK((result.source == Trace::Source::op));
        CHECK(result.needs_grad);
        for (const Trace::Op& traced : trace.ops()) kinds.insert(traced.kind);
      }
    }
  }
  // Those that the table has under their names.
  for (const OpCase& op : op_cases()) {
    const std::string name = op.name.substr(0, op.name.find_first_of(" ,"));
    CAPTURE(name);
    CHECK((kinds.contains(name) || name == "flatten" || name == "self-attention" || name == "dropout"));
  }
  CHECK(kinds.contains("self_attention"));
}

TEST_CASE("attributes and inputs are written down in the op's own order") {
  Trace trace;
  const Tensor x = Tensor::zeros({4, 6});
  Tensor w = Tensor::zeros({6});
  w.set_requires_grad();
  {
    const Tracing tracing(trace);
    trace.declare(x, Trace::Source::input, "x");
    const Tensor parts[] = {ops::mul(x, w), x};
    ops::relu(ops::slice(ops::concat(parts, -1), 1, 2, 5));
    Rng rng(3);
    ops::dropout(x, 0.25, true, rng);
    CHECK(rng.position() == 0);
    ops::cross_entropy(x, Tensor::zeros({4}, DType::i64), 0.1);
  }
  std::vector<std::string_view> kinds;
  for (const Trace::Op& op : trace.ops()) kinds.push_back(op.kind);
  CHECK(kinds == std::vector<std::string_view>{"mul", "concat", "slice", "relu", "dropout", "cross_entropy"});
  CHECK(trace.ops()[0].inputs == std::vector<int>{trace.find(x), trace.find(w)});
  CHECK(trace.ops()[1].inputs == std::vector<int>{trace.ops()[0].output, trace.find(x)});
  CHECK(trace.ops()[1].attribute<std::int64_t>("axis") == 1);
  CHECK(trace.ops()[2].attribute<std::int64_t>("begin") == 2);
  CHECK(trace.ops()[2].attribute<std::int64_t>("end") == 5);
  CHECK(trace.ops()[4].attribute<double>("probability") == 0.25);
  CHECK(trace.ops()[5].attribute<double>("smoothing") == 0.1);
  CHECK_THROWS_AS(trace.ops()[2].attribute<double>("begin"), Error);
  CHECK_THROWS_AS(trace.ops()[2].attribute<bool>("training"), Error);
  CHECK((trace.value(trace.find(x)).source == Trace::Source::input));
  CHECK((trace.value(trace.find(w)).source == Trace::Source::constant));
  CHECK(trace.value(trace.ops()[3].output).needs_grad);
  CHECK_FALSE(trace.value(trace.ops()[4].output).needs_grad);
  CHECK(trace.find(Tensor::zeros({4, 6})) == -1);
}

TEST_CASE("a tensor without elements computes nothing outside of a trace either, and cannot be read") {
  const Tensor real = Tensor::full({3}, 2.0);
  Tensor x;
  {
    const NoStorage shapes_only;
    x = Tensor::zeros({3});
    CHECK_FALSE(ops::relu(x).has_storage());
    CHECK_FALSE(ops::add(x, real).has_storage());
  }
  CHECK_THROWS_AS(ops::relu(x), Error);
  CHECK_THROWS_AS(ops::add(real, x), Error);
  CHECK_NOTHROW(ops::relu(real).to_vector<float>());
}

TEST_CASE("a thread is traced once at a time, and a trace ends with its scope") {
  Trace trace, other;
  {
    const Tracing tracing(trace);
    CHECK_THROWS_AS(Tracing{other}, Error);
    CHECK_FALSE(Tensor::zeros({2}).has_storage());
  }
  ops::relu(Tensor::zeros({2}));
  CHECK(trace.ops().empty());
  CHECK_NOTHROW(Tracing{other});
}

}  // namespace satsuma::testing
