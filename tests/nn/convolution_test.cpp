#include "satsuma/ops/convolution.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/saved_precision.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "support/gradient_check.hpp"

namespace satsuma {

namespace {

using testing::check_gradients;
using testing::random_tensor;

std::shared_ptr<Contraction> on_reference(const Geometry& geometry, const Tensor& weight,
                                          Pattern pattern = {}) {
  auto contraction = std::make_shared<Contraction>("layer", geometry, weight.detach());
  contraction->configure(
      {.sparsity = {.method = &find_method("bdwp"), .pattern = pattern}, .device = find_device("reference")});
  return contraction;
}

/// y and the gradients of <projection, y> for x and the weight.
struct Result {
  std::vector<double> y, dx, dw;
};

Result run(const Geometry& geometry, Tensor x, Tensor weight, Pattern pattern) {
  x = x.detach();
  weight = weight.detach();
  x.set_requires_grad();
  weight.set_requires_grad();
  const Tensor y = ops::convolution(x, weight, {}, on_reference(geometry, weight, pattern));
  backward(y, random_tensor(y.shape(), 3));
  return {y.to_vector<double>(), x.grad().to_vector<double>(), weight.grad().to_vector<double>()};
}

}  // namespace

TEST_CASE("the derivative of a convolution over strides, paddings, dilations and groups") {
  struct Case {
    Geometry geometry;
    Shape input;
  };
  const Case cases[] = {
      {{.in_channels = 3, .out_channels = 4, .kernel = {3, 3}, .padding = {1, 1}}, {2, 3, 5, 6}},
      {{.in_channels = 2, .out_channels = 5, .kernel = {3, 2}, .stride = {2, 3}, .padding = {2, 1}},
       {17, 2, 6, 7}},
      {{.in_channels = 3, .out_channels = 2, .kernel = {2, 2}, .padding = {0, 1}, .dilation = {3, 2}},
       {3, 3, 6, 5}},
      {{.in_channels = 4,
        .out_channels = 6,
        .kernel = {3, 3},
        .stride = {2, 2},
        .padding = {1, 1},
        .groups = 2},
       {2, 4, 5, 5}},
      {{.in_channels = 3, .out_channels = 3, .kernel = {3, 1}, .padding = {1, 0}, .groups = 3}, {2, 3, 4, 3}},
      {{.in_channels = 5, .out_channels = 4, .stride = {2, 2}}, {2, 5, 4, 4}},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.geometry));
    const std::vector<Tensor> inputs = {random_tensor(c.input, 1, DType::f64, MemoryFormat::batch_blocked),
                                        random_tensor(c.geometry.weight_shape(), 2),
                                        random_tensor({c.geometry.out_channels}, 3)};
    check_gradients(
        [&](const std::vector<Tensor>& in) {
          return ops::convolution(in[0], in[1], in[2], on_reference(c.geometry, in[1]));
        },
        inputs);
  }
}

TEST_CASE("the derivative of a linear layer on rows and on sequences") {
  const Geometry geometry = {.in_channels = 6, .out_channels = 5};
  for (const Shape& shape : {Shape{3, 6}, Shape{17, 6}, Shape{3, 4, 6}, Shape{18, 2, 6}}) {
    CAPTURE(to_string(shape));
    const std::vector<Tensor> inputs = {random_tensor(shape, 1), random_tensor({5, 6}, 2),
                                        random_tensor({5}, 3)};
    check_gradients(
        [&](const std::vector<Tensor>& in) {
          return ops::linear(in[0], in[1], in[2], on_reference(geometry, in[1].reshape_view({5, 6, 1, 1})));
        },
        inputs);
  }
}

TEST_CASE("a linear layer is x W^T + b and copies no blocked activations") {
  const Tensor x = random_tensor({3, 2, 4}, 1, DType::f64, MemoryFormat::batch_blocked);
  const Tensor weight = random_tensor({5, 4}, 2);
  const Tensor bias = random_tensor({5}, 3);
  const Tensor y =
      ops::linear(x, weight, bias,
                  on_reference({.in_channels = 4, .out_channels = 5}, weight.reshape_view({5, 4, 1, 1})));
  REQUIRE(to_string(y.shape()) == "[3, 2, 5]");
  CHECK(y.is(MemoryFormat::batch_blocked));
  const auto xv = x.to_vector<double>(), wv = weight.to_vector<double>(), bv = bias.to_vector<double>();
  const auto yv = y.to_vector<double>();
  for (std::size_t row = 0; row < 6; ++row) {
    for (std::size_t k = 0; k < 5; ++k) {
      double expected = bv[k];
      for (std::size_t d = 0; d < 4; ++d) expected += xv[row * 4 + d] * wv[k * 4 + d];
      CHECK(yv[row * 5 + k] == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("BDWP: FF with W_ff, BP with W_bp, WU straight through") {
  const Pattern patterns[] = {{1, 2}, {2, 4}, {2, 8}, {3, 7}};
  const Geometry geometries[] = {
      {.in_channels = 10, .out_channels = 9, .kernel = {3, 3}, .stride = {2, 1}, .padding = {1, 1}},
      {.in_channels = 16, .out_channels = 8},
  };
  for (const Geometry& geometry : geometries) {
    for (const Pattern pattern : patterns) {
      CAPTURE(to_string(geometry));
      CAPTURE(to_string(pattern));
      const Tensor x = random_tensor({2, geometry.in_channels, 5, 4}, 1);
      const Tensor weight = random_tensor(geometry.weight_shape(), 2);
      const Tensor w_ff = expand(compress_reference(weight, GroupAxis::input_channels, pattern));
      const Tensor w_bp = expand(compress_reference(weight, GroupAxis::output_channels, pattern));
      const Result sparse = run(geometry, x, weight, pattern);
      // Sums in double over the same terms: equal but for their order.
      const auto close = [](const std::vector<double>& a, const std::vector<double>& b) {
        double largest = 0;
        for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
        return a.size() == b.size() && largest < 1e-12;
      };
      CHECK(close(sparse.y, run(geometry, x, w_ff, {}).y));
      CHECK(close(sparse.dx, run(geometry, x, w_bp, {}).dx));
      CHECK(close(sparse.dw, run(geometry, x, weight, {}).dw));

      // dx is the derivative of the function that multiplies with W_bp.
      check_gradients(
          [&](const std::vector<Tensor>& in) {
            return ops::convolution(in[0], w_bp, {}, on_reference(geometry, w_bp));
          },
          {x}, 4);
    }
  }
}

TEST_CASE("only the passes that somebody needs are run") {
  const Geometry geometry = {.in_channels = 3, .out_channels = 4};
  const auto device = find_device("reference");
  struct Case {
    bool x, weight, bias;
    std::int64_t bp, wu;
  };
  for (const Case& c : {Case{false, true, false, 0, 1}, Case{true, false, false, 1, 0},
                        // A bias is the sum of dY alone.
                        Case{false, false, true, 0, 0}, Case{true, true, true, 1, 1}}) {
    Tensor x = random_tensor({2, 3, 2, 2}, 1);
    Tensor weight = random_tensor({4, 3, 1, 1}, 2);
    Tensor bias = random_tensor({4}, 3);
    x.set_requires_grad(c.x);
    weight.set_requires_grad(c.weight);
    bias.set_requires_grad(c.bias);
    device->reset_counters();
    const Tensor y = ops::convolution(x, weight, bias, on_reference(geometry, weight));
    backward(y, random_tensor(y.shape(), 4));
    CHECK(device->counters()[Pass::ff].calls == 1);
    CHECK(device->counters()[Pass::bp].calls == c.bp);
    CHECK(device->counters()[Pass::wu].calls == c.wu);
    CHECK(x.grad().defined() == c.x);
    CHECK(weight.grad().defined() == c.weight);
    CHECK(bias.grad().defined() == c.bias);
  }
}

TEST_CASE("an input kept in bf16 gives a product of bf16 the same weight gradient, bit for bit") {
  struct Case {
    const char* device;
    DType operands;
    Pattern wu;  ///< 1:1 is dense
  };
  for (const Case& c :
       {Case{"reference", DType::bf16, {}}, Case{"cpu", DType::bf16, {}}, Case{"cpu", DType::bf16, {2, 8}},
        Case{"cpu", DType::f32, {}}, Case{"cpu", DType::f16, {}}}) {
    for (const std::int64_t batch : {3, 17, 32}) {
      CAPTURE(std::string(c.device));
      CAPTURE(to_string(c.operands));
      CAPTURE(to_string(c.wu));
      CAPTURE(batch);
      const Geometry geometry = {.in_channels = 24, .out_channels = 19, .kernel = {3, 3}, .padding = {1, 1}};
      const auto run = [&](DType precision, bool linear) {
        Tensor weight = random_tensor(linear ? Shape{19, 24, 1, 1} : Shape{19, 24, 3, 3}, 2, DType::f32);
        auto contraction = std::make_shared<Contraction>(
            "layer", linear ? Geometry{.in_channels = 24, .out_channels = 19} : geometry, weight);
        ContractionSettings settings;
        settings.sparsity.method = &find_method("dense");
        settings.sparsity.wu = c.wu;
        settings.operands = c.operands;
        settings.device = find_device(c.device);
        contraction->configure(settings);
        Tensor leaf = linear ? weight.reshape_view({19, 24}) : weight.detach();
        leaf.set_requires_grad();
        const SavedPrecision scope(precision);
        const Tensor x = random_tensor(linear ? Shape{batch, 5, 24} : Shape{batch, 24, 5, 6}, 1, DType::f32);
        const Tensor y =
            linear ? ops::linear(x, leaf, {}, contraction) : ops::convolution(x, leaf, {}, contraction);
        backward(y, random_tensor(y.shape(), 3, DType::f32));
        return leaf.grad().to_vector<float>();
      };
      for (const bool linear : {false, true}) CHECK(run(DType::bf16, linear) == run(DType::f32, linear));
    }
  }
}

TEST_CASE("linear layers refuse other widths and ranks") {
  const auto contraction = on_reference({.in_channels = 4, .out_channels = 2}, Tensor::zeros({2, 4, 1, 1}));
  const Tensor weight = contraction->weight().reshape_view({2, 4});
  for (const Shape& shape : {Shape{3, 5}, Shape{4}, Shape{3, 4, 2}, Shape{1, 1, 1, 4}}) {
    CAPTURE(to_string(shape));
    CHECK_THROWS_AS(ops::linear(Tensor::zeros(shape), weight, {}, contraction), ShapeError);
  }
}

}  // namespace satsuma
