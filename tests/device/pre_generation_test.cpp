#include <doctest/doctest.h>

#include "satsuma/core/rng.hpp"
#include "satsuma/device/contraction.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma {

TEST_CASE("packed weights have values and indices whatever the device keeps between steps") {
  const Geometry geometry = {.in_channels = 32, .out_channels = 16};
  Rng rng(1);
  Tensor weight = Tensor::empty(geometry.weight_shape(), DType::f32, MemoryFormat::channels_last);
  for (std::int64_t i = 0; i < weight.numel(); ++i) weight.data<float>()[i] = rng.uniform() - 0.5F;
  for (const DType operands : {DType::f32, DType::bf16}) {
    CAPTURE(to_string(operands));
    Contraction layer("layer", geometry, weight.clone());
    layer.configure({.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 8}},
                     .device = find_device("cpu"),
                     .operands = operands});
    const Tensor grad = Tensor::full(weight.shape(), 0.25);
    for (int step = 0; step < 3; ++step) {
      const Tensor y = layer.forward(Tensor::full({4, 32, 1, 1}, 1.0), {});
      layer.backward_data(y, {4, 32, 1, 1});
      layer.update(grad, {}, SgdRule(), 0.5);
    }
    for (const Pass pass : {Pass::ff, Pass::bp}) {
      CAPTURE(to_string(pass));
      const GroupAxis axis = pass == Pass::ff ? GroupAxis::input_channels : GroupAxis::output_channels;
      const PackedWeight expected = compress_reference(layer.weight(), axis, {2, 8});
      const PackedWeight& packed = layer.packed(pass);
      CHECK(packed.defined());
      CHECK(packed.rows() == expected.rows());
      CHECK(packed.kept() == expected.kept());
      CHECK(packed.values.to_vector<float>() == expected.values.to_vector<float>());
      CHECK(packed.indices.to_vector<std::uint8_t>() == expected.indices.to_vector<std::uint8_t>());
    }
  }
}

}  // namespace satsuma
