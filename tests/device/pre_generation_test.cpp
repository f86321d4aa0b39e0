#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/device/contraction.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/sparse/quantised.hpp"
#include "satsuma/sparse/transposable.hpp"
#include "support/random_tensor.hpp"

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

namespace {

struct Step {
  std::vector<float> y, dx, weight;
};

/// Steps of a layer of 32 to 16 channels, and what each of them has given.
std::vector<Step> steps_of(Contraction& layer, int steps) {
  std::vector<Step> result;
  for (int step = 0; step < steps; ++step) {
    layer.begin_step(step);
    const Tensor x =
        testing::random_tensor({4, 32, 1, 1}, 100 + static_cast<std::uint64_t>(step), DType::f32);
    const Tensor y = layer.forward(x, {});
    const Tensor dx = layer.backward_data(y, {4, 32, 1, 1});
    layer.update(layer.backward_weights(x, y, false).weight, {}, SgdRule(), 0.05);
    result.push_back({y.to_vector<float>(), dx.to_vector<float>(), layer.weight().to_vector<float>()});
  }
  return result;
}

Contraction layer_of(const Tensor& weight, ContractionSettings settings, const char* device) {
  Contraction layer("layer", {.in_channels = 32, .out_channels = 16}, weight.clone());
  settings.device = find_device(device);
  layer.configure(settings);
  return layer;
}

Tensor some_weight() {
  return testing::random_tensor({16, 32, 1, 1}, 1, DType::f32, MemoryFormat::channels_last);
}

}  // namespace

TEST_CASE("FF and BP of a transposable layer multiply with the same weights, on each device alike") {
  for (const std::int64_t refresh : {1, 3}) {
    CAPTURE(refresh);
    const ContractionSettings settings = {
        .sparsity = {.method = &find_method("transposable"), .pattern = {2, 8}}, .refresh_masks = refresh};
    Contraction layer = layer_of(some_weight(), settings, "cpu");
    Contraction reference = layer_of(some_weight(), settings, "reference");
    for (int step = 0; step < 7; ++step) {
      CAPTURE(step);
      layer.begin_step(step);
      const Tensor ff = expand(layer.packed(Pass::ff));
      CHECK(ff.to_vector<float>() == expand(layer.packed(Pass::bp)).to_vector<float>());
      if (step % refresh == 0) {
        const TransposableWeight chosen = compress_transposable(layer.weight(), {2, 8});
        CHECK(ff.to_vector<float>() == expand(chosen.ff).to_vector<float>());
      }
      layer.update(Tensor::full({16, 32, 1, 1}, 0.1), {}, SgdRule(), 0.5);
    }
    layer = layer_of(some_weight(), settings, "cpu");
    const std::vector<Step> own = steps_of(layer, 7), other = steps_of(reference, 7);
    for (std::size_t i = 0; i < own.size(); ++i) {
      for (std::size_t j = 0; j < own[i].y.size(); ++j)  // sums of 8 products of f32 near one
        CHECK(own[i].y[j] == doctest::Approx(other[i].y[j]).epsilon(1e-4));
      for (std::size_t j = 0; j < own[i].dx.size(); ++j)
        CHECK(own[i].dx[j] == doctest::Approx(other[i].dx[j]).epsilon(1e-4).scale(1));
    }
  }
  CHECK_THROWS_AS(
      layer_of(some_weight(),
               {.sparsity = {.method = &find_method("transposable"), .pattern = {2, 8}}, .sr_ste = 1e-4},
               "cpu"),
      UsageError);
}

TEST_CASE("a transposable layer that goes on with held positions gives the same bits") {
  const ContractionSettings settings = {
      .sparsity = {.method = &find_method("transposable"), .pattern = {2, 8}}, .refresh_masks = 4};
  Contraction whole = layer_of(some_weight(), settings, "cpu");
  steps_of(whole, 3);
  Contraction resumed = layer_of(whole.weight(), settings, "cpu");
  resumed.hold(whole.masks());
  whole.begin_step(3);
  resumed.begin_step(3);
  for (const Pass pass : {Pass::ff, Pass::bp}) {
    CHECK(resumed.packed(pass).values.to_vector<float>() == whole.packed(pass).values.to_vector<float>());
    CHECK(resumed.packed(pass).indices.to_vector<std::uint8_t>() ==
          whole.packed(pass).indices.to_vector<std::uint8_t>());
  }
}

TEST_CASE("FF multiplies with rounded weights, BP and the update with the weights themselves") {
  for (const char* method : {"dense", "bdwp"}) {
    CAPTURE(method);
    ContractionSettings settings = {
        .sparsity = {.method = &find_method(method), .pattern = {2, 8}, .ff_bits = 4}};
    Contraction layer = layer_of(some_weight(), settings, "cpu");
    settings.sparsity.ff_bits = 0;
    Contraction exact = layer_of(some_weight(), settings, "cpu");
    const Tensor x = testing::random_tensor({4, 32, 1, 1}, 3, DType::f32);
    for (int step = 0; step < 3; ++step) {
      const Tensor y = layer.forward(x, {}), dy = exact.forward(x, {});
      CHECK(y.to_vector<float>() != dy.to_vector<float>());
      const bool packs = layer.plan()[Pass::ff].skips();
      Contraction rounded =
          layer_of(quantised(packs ? expand(exact.packed(Pass::ff)) : exact.weight(), 4), settings, "cpu");
      CHECK(y.to_vector<float>() == rounded.forward(x, {}).to_vector<float>());
      const Shape input = {4, 32, 1, 1};
      CHECK(layer.backward_data(dy, input).to_vector<float>() ==
            exact.backward_data(dy, input).to_vector<float>());
      for (Contraction* each : {&layer, &exact})
        each->update(each->backward_weights(x, dy, false).weight, {}, SgdRule(), 0.05);
      CHECK(layer.weight().to_vector<float>() == exact.weight().to_vector<float>());
    }
  }
}

}  // namespace satsuma
