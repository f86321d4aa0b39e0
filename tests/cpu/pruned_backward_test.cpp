#include "src/cpu/pruned_backward.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cpu/naive.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/sparse/packed.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::cpu {

namespace {

using satsuma::testing::for_each_product;
using satsuma::testing::Layer;
using satsuma::testing::random_tensor;
using satsuma::testing::Sums;

/// {in, out, kernel, stride, padding, dilation}, then the images.
const Layer kLayers[] = {
    {{16, 32, {3, 3}, {1, 1}, {1, 1}}, {19, 16, 9, 10}},
    {{40, 150, {3, 3}, {1, 1}, {1, 1}}, {17, 40, 4, 4}},
    {{36, 16, {3, 3}, {2, 2}, {1, 1}}, {16, 36, 7, 8}},
    {{64, 48, {1, 1}, {2, 2}, {0, 0}}, {20, 64, 8, 8}},
    {{24, 39, {1, 1}, {1, 1}, {0, 0}}, {40, 24, 1, 13}},
    {{130, 18, {1, 1}, {1, 1}, {0, 0}}, {40, 130, 1, 1}},
    {{17, 21, {5, 7}, {1, 2}, {2, 3}}, {3, 17, 6, 9}},
    {{16, 5, {3, 2}, {2, 1}, {0, 1}, {2, 3}}, {17, 16, 9, 8}},
    {{3, 16, {3, 3}, {1, 1}, {1, 1}}, {16, 3, 5, 5}},
};

/// dy [N, K, P, Q] with its small elements gone: groups run along axis 1.
Tensor pruned(const Tensor& dy, Pattern pattern) {
  return expand(compress_reference(dy, GroupAxis::input_channels, pattern));
}

Tensor pruned_dx(const Layer& layer, const Tensor& dy, Pattern pattern, const Tensor& w, MemoryFormat format,
                 DType operands = DType::f32) {
  Tensor dx = Tensor::full(layer.x, 99, DType::f32, format);
  pruned_backward_data({layer.geometry, operands}, dy.to(format), pattern, w, dx);
  return dx;
}

}  // namespace

TEST_CASE("backward data of a pruned dY is that of the dense rest") {
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Shape y = layer.geometry.output_shape("test", layer.x);
    const Tensor w = random_tensor(layer.geometry.weight_shape(), 1, DType::f32, MemoryFormat::channels_last);
    const Tensor dy = random_tensor(y, 2, DType::f32, MemoryFormat::batch_blocked);
    for (const Pattern pattern :
         {Pattern{2, 8}, Pattern{1, 4}, Pattern{3, 5}, Pattern{9, 16}, Pattern{4, 40}}) {
      for (const DType operands : {DType::f32, DType::bf16, DType::f16}) {
        CAPTURE(to_string(pattern));
        CAPTURE(to_string(operands));
        // Pruned first, and rounded then.
        const auto kept = rounded(pruned(dy, pattern), operands).to_vector<double>();
        const auto weights = rounded(w, operands).to_vector<double>();
        Sums expected(layer.x.numel());
        for_each_product(layer.geometry, layer.x, y, [&](std::size_t i, std::size_t at, std::size_t o) {
          expected.add(i, kept[o], weights[at]);
        });
        const Tensor dx = pruned_dx(layer, dy, pattern, w, MemoryFormat::batch_blocked, operands);
        // Half an ulp for each of some hundred sums in a row.
        CHECK(expected.error(dx, 2e-6) <= 1);
        CHECK(pruned_dx(layer, dy, pattern, w, MemoryFormat::channels_last, operands).to_vector<float>() ==
              dx.to_vector<float>());
      }
    }
  }
}

TEST_CASE("padding lanes of a pruned backward pass are finite") {
  const Layer layer = {{16, 16, {3, 3}, {1, 1}, {1, 1}}, {5, 16, 3, 3}};
  const Tensor w = random_tensor(layer.geometry.weight_shape(), 1, DType::f32, MemoryFormat::channels_last);
  const Tensor dx =
      pruned_dx(layer, random_tensor({5, 16, 3, 3}, 2, DType::f32), {2, 8}, w, MemoryFormat::batch_blocked);
  const float* const values = dx.data<float>();
  for (std::int64_t i = 0; i < 3 * 3 * 16 * 16; ++i) REQUIRE(std::isfinite(values[i]));
}

TEST_CASE("a pruned backward pass has the same bits for each number of threads") {
  const int before = threads();
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Tensor w = random_tensor(layer.geometry.weight_shape(), 1, DType::f32, MemoryFormat::channels_last);
    const Tensor dy = random_tensor(layer.geometry.output_shape("test", layer.x), 2, DType::f32);
    const auto run = [&](int count) {
      set_threads(count);
      return pruned_dx(layer, dy, {2, 8}, w, MemoryFormat::batch_blocked).to_vector<float>();
    };
    const auto one = run(1);
    for (const int count : {2, 3, 8}) CHECK(run(count) == one);
  }
  set_threads(before);
}

}  // namespace satsuma::cpu
