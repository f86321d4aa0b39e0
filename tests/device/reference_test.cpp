#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

/// Seven loops over row-major vectors, which share nothing with the device: the definition of a convolution.
/// Calls visit(y, w, x) with the flat positions of every multiply-add; positions on padding are left out.
template <typename F>
void for_each_product(const Geometry& g, const Shape& x, const Shape& y, F&& visit) {
  const std::int64_t inputs = g.in_channels / g.groups;
  const std::int64_t outputs = g.out_channels / g.groups;
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t k = 0; k < y[1]; ++k)
      for (std::int64_t p = 0; p < y[2]; ++p)
        for (std::int64_t q = 0; q < y[3]; ++q)
          for (std::int64_t i = 0; i < inputs; ++i)
            for (std::int64_t r = 0; r < g.kernel[0]; ++r)
              for (std::int64_t s = 0; s < g.kernel[1]; ++s) {
                const std::int64_t h = p * g.stride[0] + r * g.dilation[0] - g.padding[0];
                const std::int64_t w = q * g.stride[1] + s * g.dilation[1] - g.padding[1];
                if (h < 0 || w < 0 || h >= x[2] || w >= x[3]) continue;
                const std::int64_t c = k / outputs * inputs + i;
                visit(static_cast<std::size_t>(((n * y[1] + k) * y[2] + p) * y[3] + q),
                      static_cast<std::size_t>(((k * inputs + i) * g.kernel[0] + r) * g.kernel[1] + s),
                      static_cast<std::size_t>(((n * x[1] + c) * x[2] + h) * x[3] + w));
              }
}

double largest_difference(const Tensor& tensor, const std::vector<double>& expected) {
  const auto values = tensor.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    largest = std::max(largest, std::isnan(values[i]) ? HUGE_VAL : std::abs(values[i] - expected[i]));
  }
  return largest;
}

}  // namespace

TEST_CASE("the reference device computes what seven plain loops do") {
  struct Case {
    Geometry geometry;
    Shape input;
    Pattern pattern;
  };
  const Case cases[] = {
      {{.in_channels = 3, .out_channels = 4, .kernel = {3, 3}, .padding = {1, 1}}, {2, 3, 5, 6}, {}},
      {{.in_channels = 5, .out_channels = 2, .kernel = {2, 3}, .stride = {2, 1}, .padding = {0, 2}},
       {17, 5, 4, 3},
       {}},
      {{.in_channels = 4, .out_channels = 6, .kernel = {3, 2}, .dilation = {2, 3}, .groups = 2},
       {1, 4, 7, 6},
       {}},
      {{.in_channels = 6,
        .out_channels = 6,
        .kernel = {3, 3},
        .stride = {2, 2},
        .padding = {1, 1},
        .groups = 6},
       {3, 6, 6, 5},
       {}},
      {{.in_channels = 9, .out_channels = 7}, {16, 9, 1, 3}, {}},
      {{.in_channels = 13, .out_channels = 11, .kernel = {3, 3}, .padding = {1, 1}}, {3, 13, 4, 4}, {2, 4}},
      {{.in_channels = 16, .out_channels = 9, .kernel = {1, 1}, .stride = {2, 2}}, {18, 16, 5, 4}, {3, 7}},
      {{.in_channels = 8, .out_channels = 8, .kernel = {2, 2}, .dilation = {1, 2}}, {2, 8, 4, 4}, {1, 8}},
  };
  const auto device = find_device("reference");
  std::uint64_t seed = 1;
  for (const Case& c : cases) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const MemoryFormat format :
           {MemoryFormat::batch_blocked, MemoryFormat::row_major, MemoryFormat::channels_last}) {
        const Geometry& g = c.geometry;
        CAPTURE(to_string(g));
        CAPTURE(to_string(c.pattern));
        CAPTURE(to_string(dtype));
        const Shape out = g.output_shape("test", c.input);
        const Tensor x = random_tensor(c.input, seed++, dtype, format);
        const Tensor dy = random_tensor(out, seed++, dtype, format);
        const Tensor weight = random_tensor(g.weight_shape(), seed++, dtype, MemoryFormat::channels_last);
        const Tensor bias = random_tensor({g.out_channels}, seed++, dtype);
        const bool sparse = !c.pattern.dense();
        LayerPlan plan = g;
        plan.dtype = dtype;
        plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, c.pattern);
        plan[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, c.pattern);
        const PackedWeight ff = compress_reference(weight, GroupAxis::input_channels, c.pattern);
        const PackedWeight bp = compress_reference(weight, GroupAxis::output_channels, c.pattern);
        const auto operand = [&](const PackedWeight& packed) {
          return sparse ? WeightOperand{.packed = &packed} : WeightOperand{.dense = &weight};
        };

        const auto xv = x.to_vector<double>();
        const auto dyv = dy.to_vector<double>();
        const auto w_ff = (sparse ? expand(ff) : weight).to_vector<double>();
        const auto w_bp = (sparse ? expand(bp) : weight).to_vector<double>();
        std::vector<double> y_expected(dyv.size()), dx_expected(xv.size()), dw_expected(w_ff.size());
        for_each_product(g, c.input, out, [&](std::size_t y, std::size_t w, std::size_t in) {
          y_expected[y] += w_ff[w] * xv[in];
          dx_expected[in] += w_bp[w] * dyv[y];
          dw_expected[w] += dyv[y] * xv[in];
        });
        const std::int64_t pixels = out[2] * out[3];
        std::vector<double> dbias_expected(static_cast<std::size_t>(g.out_channels));
        for (std::size_t i = 0; i < dyv.size(); ++i) {
          const std::size_t k = i / static_cast<std::size_t>(pixels) % dbias_expected.size();
          dbias_expected[k] += dyv[i];
          y_expected[i] += bias.to_vector<double>()[k];
        }

        device->reset_counters();
        Tensor y = Tensor::full(out, NAN, dtype, format);
        Tensor dx = Tensor::full(c.input, NAN, dtype, format);
        Tensor dw = Tensor::full(weight.shape(), NAN, dtype, MemoryFormat::channels_last);
        Tensor dbias = Tensor::full({g.out_channels}, NAN, dtype);
        device->forward(plan, x, operand(ff), bias, y);
        device->backward_data(plan, dy, operand(bp), dx);
        device->backward_weights(plan, {}, x, dy, dw, dbias);
        // Both sides sum in double; results of f32 are rounded once, to about 1e-7 of sums below 100.
        const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-12;
        CHECK(largest_difference(y, y_expected) < tolerance);
        CHECK(largest_difference(dx, dx_expected) < tolerance);
        CHECK(largest_difference(dw, dw_expected) < tolerance);
        CHECK(largest_difference(dbias, dbias_expected) < tolerance);

        for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
          const auto& counter = device->counters()[pass];
          CHECK(counter.calls == 1);
          CHECK(counter.macs == pass_macs(plan, pass, out[0], out[2], out[3]));
          CHECK(counter.dense_macs == out[0] * g.dense_macs(out[2], out[3]));
        }
      }
    }
  }
}

TEST_CASE("the reference device says what it does not run") {
  const auto device = find_device("reference");
  LayerPlan plan;
  CHECK(device->supports(plan, Pass::ff));
  plan.dtype = DType::bf16;
  CHECK(device->supports(plan, Pass::ff).reason.find("bf16") != std::string::npos);
  plan.dtype = DType::f64;
  plan[Pass::wu].gradient = OperandPlan::sampled({2, 8});
  CHECK(device->supports(plan, Pass::wu).reason.find("f64") != std::string::npos);
  LayerPlan grouped({.in_channels = 16, .out_channels = 16, .groups = 2});
  grouped[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, {2, 8});
  grouped[Pass::bp].gradient = OperandPlan::pruned({2, 8});
  for (const Pass pass : {Pass::ff, Pass::bp}) CHECK_FALSE(device->supports(grouped, pass).yes);
}

}  // namespace satsuma
