#include "src/cpu/sampled_weight_gradient.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "cpu/naive.hpp"
#include "satsuma/device/rounding.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::cpu {

namespace {

using satsuma::testing::for_each_product;
using satsuma::testing::Layer;
using satsuma::testing::random_tensor;
using satsuma::testing::Sums;

/// {in, out, kernel, stride, padding, dilation}, then the images.
const Layer kLayers[] = {
    {{16, 20, {3, 3}, {1, 1}, {1, 1}}, {19, 16, 9, 10}},
    {{40, 33, {3, 3}, {1, 1}, {1, 1}}, {35, 40, 4, 4}},
    {{36, 16, {3, 3}, {2, 2}, {1, 1}}, {16, 36, 7, 8}},
    {{64, 48, {1, 1}, {2, 2}, {0, 0}}, {20, 64, 8, 8}},
    {{24, 7, {1, 1}, {1, 1}, {0, 0}}, {40, 24, 1, 13}},
    {{130, 18, {1, 1}, {1, 1}, {0, 0}}, {40, 130, 1, 1}},
    {{16, 16, {3, 3}, {1, 1}, {1, 1}}, {50, 16, 2, 2}},
    {{17, 5, {5, 7}, {1, 2}, {2, 3}}, {3, 17, 6, 9}},
    {{16, 5, {3, 2}, {2, 1}, {0, 1}, {2, 3}}, {17, 16, 9, 8}},
    {{16, 5, {3, 3}, {1, 1}, {1, 1}}, {18, 16, 1, 3}},
    {{3, 16, {3, 3}, {1, 1}, {1, 1}}, {16, 3, 5, 5}},
};
const SampleKey kKey{5, 6, 7};

Tensor sampled_dw(const Layer& layer, const Tensor& x, const Tensor& dy, Pattern pattern,
                  DType operands = DType::f32) {
  Tensor dw = Tensor::full(layer.geometry.weight_shape(), 99, DType::f32, MemoryFormat::channels_last);
  sampled_weight_gradient({layer.geometry, operands}, x, dy, pattern, kKey, dw);
  return dw;
}

}  // namespace

TEST_CASE("the sampled weight gradient is that of the sampled dY") {
  for (const Layer& layer : kLayers) {
    CAPTURE(to_string(layer.geometry));
    const Shape y = layer.geometry.output_shape("test", layer.x);
    const Tensor x = random_tensor(layer.x, 1, DType::f32, MemoryFormat::batch_blocked);
    const Tensor dy = random_tensor(y, 2, DType::f32, MemoryFormat::batch_blocked);
    for (const Pattern pattern : {Pattern{2, 8}, Pattern{1, 4}, Pattern{3, 5}, Pattern{4, 32}, Pattern{1, 16},
                                  Pattern{2, 8, 2}, Pattern{1, 4, 4}, Pattern{2, 8, 16}}) {
      for (const DType operands : {DType::f32, DType::bf16, DType::f16}) {
        CAPTURE(to_string(pattern));
        CAPTURE(to_string(operands));
        // Sampled first, and rounded then.
        const Tensor sampled = expand(sample_along_images(dy, pattern, kKey));
        const auto kept = rounded(sampled, operands).to_vector<double>();
        const auto inputs = rounded(x, operands).to_vector<double>();
        Sums expected(layer.geometry.weight_shape().numel());
        for_each_product(layer.geometry, layer.x, y, [&](std::size_t i, std::size_t w, std::size_t o) {
          expected.add(w, kept[o], inputs[i]);
        });
        const Tensor dw = sampled_dw(layer, x, dy, pattern, operands);
        // Half an ulp for each of some hundred sums in a row.
        CHECK(expected.error(dw, 2e-6) <= 1);
        const Tensor small = sampled_dw(layer, x.to(MemoryFormat::channels_last),
                                        dy.to(MemoryFormat::channels_last), pattern, operands);
        CHECK(small.to_vector<float>() == dw.to_vector<float>());
      }
    }
  }
}

}  // namespace satsuma::cpu
