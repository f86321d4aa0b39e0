// Every differentiable function against its plain version and against finite differences: whole and ragged
// batches, both layouts, both precisions.

#include <doctest/doctest.h>

#include "op_cases.hpp"

namespace satsuma::testing {

namespace {

template <typename F>
void for_each_case(F&& f) {
  for (const OpCase& op : op_cases()) {
    bool batched = false;
    for (const Shape& shape : op.shapes) batched |= shape.rank() > 0 && shape[0] == kBatch;
    for (const std::int64_t batch : kBatches) {
      if (batch < op.least_batch || (!batched && batch > 1)) continue;
      for (const MemoryFormat format : kFormats) {
        const std::string name = op.name + ", batch " + std::to_string(batch) +
                                 (format == MemoryFormat::row_major       ? ", row_major"
                                  : format == MemoryFormat::channels_last ? ", channels_last"
                                                                          : ", batch_blocked");
        CAPTURE(name);
        f(op, batch, format);
      }
    }
  }
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

/// Largest difference of two lists of equal length.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (std::size_t i = 0; i < a.size(); ++i) result = std::max(result, std::abs(a[i] - b[i]));
  return result;
}

}  // namespace

TEST_CASE("values are those of plain loops") {
  for_each_case([](const OpCase& op, std::int64_t batch, MemoryFormat format) {
    const std::vector<Tensor> inputs = op.inputs(batch, DType::f64, format);
    std::vector<Array> arrays;
    for (const Tensor& input : inputs) arrays.emplace_back(input);
    const Tensor y = op.op(inputs);
    const Array expected = op.plain(arrays);
    if (!op.name.starts_with("reshape") && !op.name.starts_with("flatten")) {
      CHECK(to_string(y.shape()) == to_string(expected.shape));
    }
    CHECK(y.dtype() == DType::f64);
    CHECK(distance(y.to_vector<double>(), expected.values) < 1e-12 * std::max(1.0, largest(expected.values)));
    for (const Tensor& input : inputs) CHECK(!input.grad().defined());
  });
}

TEST_CASE("derivatives are those of central differences") {
  for_each_case([](const OpCase& op, std::int64_t batch, MemoryFormat format) {
    check_gradients(op.op, op.inputs(batch, DType::f64, format), batch > 20 ? 4 : 8);
  });
}

TEST_CASE("single precision agrees with double") {
  for_each_case([](const OpCase& op, std::int64_t batch, MemoryFormat format) {
    const std::vector<Tensor> single = op.inputs(batch, DType::f32, format);
    std::vector<Tensor> twice;
    for (const Tensor& input : single) twice.push_back(input.to(DType::f64));
    const Tensor y = op.op(single);
    CHECK(y.dtype() == DType::f32);
    const std::vector<double> values = op.op(twice).to_vector<double>();
    CHECK(distance(y.to_vector<double>(), values) < 5e-6 * largest(values));
    const Tensor seed = random_tensor(y.shape(), 3, DType::f32);
    const std::vector<Tensor> grads = gradients(op.op, single, seed);
    const std::vector<Tensor> expected = gradients(op.op, twice, seed.to(DType::f64));
    double scale = 0;  // one for all inputs: a gradient may be all zeros
    for (const Tensor& grad : expected) scale = std::max(scale, largest(grad.to_vector<double>()));
    for (std::size_t i = 0; i < grads.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(grads[i].to_vector<double>(), expected[i].to_vector<double>()) < 2e-5 * scale);
    }
  });
}

}  // namespace satsuma::testing
