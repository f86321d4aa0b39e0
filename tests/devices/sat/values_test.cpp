// The bits of whatever transport is under test against the naive emulator's: equal, not close.

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "devices/sat/naive_sat.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/device/sgd_rule.hpp"

namespace satsuma {

using testing::NaiveSat;

namespace {

/// What the operands hold.
enum class Data {
  ordinary,     ///< around 1, both signs
  small,        ///< FP16's subnormals and what rounds to zero, zeros of both signs
  overflowing,  ///< some beyond FP16's range or infinite, some NaN
};

float draw(Rng& rng, Data data) {
  const float value = rng.normal();
  const std::uint64_t kind = rng.below(64);
  if (data == Data::small) {
    if (kind < 8) return std::copysign(0.0f, value);
    return std::ldexp(value, -static_cast<int>(10 + rng.below(18)));
  }
  if (kind < 4) return std::copysign(0.0f, value);
  if (data == Data::overflowing) {
    if (kind == 4) return std::copysign(std::numeric_limits<float>::infinity(), value);
    if (kind == 5 && rng.below(4) == 0) return std::numeric_limits<float>::quiet_NaN();
    if (kind == 6) return std::copysign(65519.0f + static_cast<float>(rng.below(3)), value);
    if (kind == 7) return value * 1e6f;
    if (kind < 12) return value * 3e3f;
  }
  return value;
}

std::vector<float> draw(Rng& rng, std::int64_t count, Data data) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(draw(rng, data));
  return values;
}

/// The same elements, with numbers in the lanes that hold no image.
Tensor activation(const std::vector<float>& values, const Shape& shape, float junk) {
  Tensor tensor = Tensor::empty(shape, DType::f32, MemoryFormat::batch_blocked);
  std::fill_n(tensor.data<float>(), tensor.extent(), junk);
  tensor.copy_from(Tensor::from(values, shape));
  return tensor;
}

/// Index of the first element with other bits, -1 for none. All NaNs are one.
std::int64_t difference(const Tensor& tensor, const std::vector<float>& expected) {
  const std::vector<float> got = tensor.to_vector<float>();
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(expected[i])) continue;
    if (std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(expected[i])) {
      MESSAGE("got ", got[i], ", expected ", expected[i]);
      return static_cast<std::int64_t>(i);
    }
  }
  return -1;
}

template <std::size_t N>
std::int64_t pick(Rng& rng, const std::int64_t (&list)[N]) {
  return list[rng.below(N)];
}

NaiveSat random_layer(Rng& rng) {
  constexpr std::int64_t kChannels[] = {1, 2, 3, 4, 7, 15, 16, 17, 23, 32, 33, 49, 70};
  constexpr std::int64_t kBatches[] = {1, 5, 16, 17, 31, 33};
  constexpr std::int64_t kKernels[] = {1, 1, 2, 3, 3, 5};
  constexpr Pattern kPatterns[] = {{1, 1}, {1, 1},  {2, 8},  {1, 2},  {2, 4},
                                   {3, 7}, {1, 16}, {2, 16}, {5, 24}, {1, 3}};
  for (;;) {
    NaiveSat layer{};
    Geometry& g = layer.geometry;
    g.in_channels = pick(rng, kChannels);
    g.out_channels = pick(rng, kChannels);
    const auto upto = [&](std::uint64_t n) { return static_cast<std::int64_t>(rng.below(n)); };
    g.kernel = {pick(rng, kKernels), pick(rng, kKernels)};
    g.stride = {1 + upto(3), 1 + upto(3)};
    g.padding = {upto(3), upto(3)};
    g.dilation = {1 + upto(2), 1 + upto(2)};
    layer.pattern = kPatterns[rng.below(std::size(kPatterns))];
    layer.images = pick(rng, kBatches);
    layer.height = 1 + upto(8);
    layer.width = 1 + upto(8);
    if (layer.height + 2 * g.padding[0] <= g.dilation[0] * (g.kernel[0] - 1)) continue;
    if (layer.width + 2 * g.padding[1] <= g.dilation[1] * (g.kernel[1] - 1)) continue;
    const Shape out = g.output_shape("test", {layer.images, g.in_channels, layer.height, layer.width});
    layer.out_height = out[2];
    layer.out_width = out[3];
    if (layer.images * g.dense_macs(out[2], out[3]) <= 300'000) return layer;
  }
}

/// Every pass of a layer on the device and naively.
void check_layer(Device& device, const NaiveSat& layer, Data data, Rng& rng) {
  const Geometry& g = layer.geometry;
  CAPTURE(to_string(g));
  CAPTURE(to_string(layer.pattern));
  CAPTURE(layer.images);
  CAPTURE(layer.height);
  CAPTURE(layer.width);
  const Shape in = {layer.images, g.in_channels, layer.height, layer.width};
  const Shape out = {layer.images, g.out_channels, layer.out_height, layer.out_width};
  const auto x = draw(rng, in.numel(), data);
  const auto dy = draw(rng, out.numel(), data);
  const auto w = draw(rng, g.weight_shape().numel(), data);
  const auto bias = rng.below(3) == 0 ? std::vector<float>() : draw(rng, g.out_channels, data);
  const float junk = rng.below(2) == 0 ? 3e38f : -1.0f;

  const Tensor x_tensor = activation(x, in, junk);
  const Tensor dy_tensor = activation(dy, out, junk);
  const Tensor w_tensor = Tensor::from(w, g.weight_shape()).to(MemoryFormat::channels_last);
  const Tensor bias_tensor = bias.empty() ? Tensor() : Tensor::from(bias, {g.out_channels});
  const LayerPlan plan(g, DType::f16);
  const bool packed = !layer.pattern.dense();
  const auto weight = [&](GroupAxis axis) {
    const bool foreign = rng.below(2) == 0;
    if (!packed) return PackedWeight();
    return foreign ? compress_reference(w_tensor, axis, layer.pattern)
                   : device.compress(w_tensor, axis, layer.pattern);
  };
  const PackedWeight ff = weight(GroupAxis::input_channels), bp = weight(GroupAxis::output_channels);
  const auto operand = [&](const PackedWeight& of) {
    return packed ? WeightOperand{.packed = &of} : WeightOperand{.dense = &w_tensor};
  };

  Tensor y = Tensor::empty(out, DType::f32, MemoryFormat::batch_blocked);
  device.forward(plan, x_tensor, operand(ff), bias_tensor, y);
  CHECK(difference(y, layer.forward(x, w, bias)) == -1);
  Tensor dx = Tensor::empty(in, DType::f32, MemoryFormat::batch_blocked);
  device.backward_data(plan, dy_tensor, operand(bp), dx);
  CHECK(difference(dx, layer.backward_data(dy, w)) == -1);
  Tensor dw = Tensor::empty(g.weight_shape(), DType::f32, MemoryFormat::channels_last);
  Tensor dbias = rng.below(2) == 0 ? Tensor() : Tensor::empty({g.out_channels});
  device.backward_weights(plan, {}, x_tensor, dy_tensor, dw, dbias);
  CHECK(difference(dw, layer.weight_gradient(x, dy)) == -1);
  if (dbias.defined()) CHECK(difference(dbias, layer.bias_gradient(dy)) == -1);
}

}  // namespace

TEST_CASE("the three passes give the bits of the naive emulator") {
  Device& device = testing::sat_under_test();
  const int before = threads();
  Rng rng(7);
  for (const Data data : {Data::ordinary, Data::small, Data::overflowing}) {
    CAPTURE(static_cast<int>(data));
    for (int i = 0; i < 120; ++i) {
      set_threads(1 + i % 3);
      check_layer(device, random_layer(rng), data, rng);
    }
  }
  set_threads(before);
}

TEST_CASE("layers as networks have them") {
  Device& device = testing::sat_under_test();
  const Geometry same{.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry stem{.in_channels = 3, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry down{
      .in_channels = 64, .out_channels = 128, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
  const Geometry shortcut{.in_channels = 64, .out_channels = 128, .stride = {2, 2}};
  const Geometry classifier{.in_channels = 512, .out_channels = 10};
  Rng rng(8);
  for (const Data data : {Data::ordinary, Data::overflowing}) {
    for (const Pattern pattern : {Pattern{1, 1}, Pattern{2, 8}}) {
      for (const Geometry& g : {same, down, shortcut, classifier}) {
        const std::int64_t size = g == classifier ? 1 : 6;
        const Shape out = g.output_shape("test", {18, g.in_channels, size, size});
        check_layer(device, {g, pattern, 18, size, size, out[2], out[3]}, data, rng);
      }
    }
    check_layer(device, {stem, {}, 18, 8, 8, 8, 8}, data, rng);
  }
}

TEST_CASE("lanes without an image stay finite, whatever lies there and in the weights") {
  Device& device = testing::sat_under_test();
  const Geometry g{.in_channels = 8, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}};
  const Shape shape = {3, 8, 4, 4};
  const Tensor x =
      activation(std::vector<float>(static_cast<std::size_t>(shape.numel()), 1.0f), shape, 3e38f);
  Tensor y = Tensor::empty(shape, DType::f32, MemoryFormat::batch_blocked);
  for (const double value : {1.0, 1e9}) {
    const Tensor w = Tensor::full(g.weight_shape(), value, DType::f32, MemoryFormat::channels_last);
    for (const Pass pass : {Pass::ff, Pass::bp}) {
      CAPTURE(value);
      CAPTURE(to_string(pass));
      y.fill(0);
      pass == Pass::ff ? device.forward({g, DType::f16}, x, {.dense = &w}, {}, y)
                       : device.backward_data({g, DType::f16}, x, {.dense = &w}, y);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < y.extent(); ++i) {
        const bool overflows = value > 1 && i % 16 < 3;
        wrong += std::isfinite(y.data<float>()[i]) == overflows ? 1 : 0;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("FF and BP multiply with what the latest update has pre-generated") {
  Device& device = testing::sat_under_test();
  Rng rng(9);
  NaiveSat layer{};
  layer.geometry = {.in_channels = 24, .out_channels = 17, .kernel = {3, 3}, .padding = {1, 1}};
  layer.pattern = {2, 8};
  layer.images = 5;
  layer.height = layer.width = layer.out_height = layer.out_width = 4;
  const Shape in = {5, 24, 4, 4}, out = {5, 17, 4, 4};
  const auto x = draw(rng, in.numel(), Data::ordinary), dy = draw(rng, out.numel(), Data::ordinary);
  const Tensor w = Tensor::from(draw(rng, 17 * 24 * 9, Data::ordinary), layer.geometry.weight_shape())
                       .to(MemoryFormat::channels_last);
  const Tensor velocity = Tensor::zeros(w.shape(), DType::f32, MemoryFormat::channels_last);
  const SgdRule rule({.momentum = 0.9});
  PackedWeight ff, bp;
  for (int step = 0; step < 4; ++step) {
    const Tensor grad =
        Tensor::from(draw(rng, w.numel(), Data::ordinary), w.shape()).to(MemoryFormat::channels_last);
    device.update({w, grad, {velocity}, &rule, 0.5, 0.1, layer.pattern, &ff, &bp});
    Tensor y = Tensor::empty(out, DType::f32, MemoryFormat::batch_blocked);
    device.forward({layer.geometry, DType::f16}, activation(x, in, 0), {.packed = &ff}, {}, y);
    CHECK(difference(y, layer.forward(x, w.to_vector<float>(), {})) == -1);
    Tensor dx = Tensor::empty(in, DType::f32, MemoryFormat::batch_blocked);
    device.backward_data({layer.geometry, DType::f16}, activation(dy, out, 0), {.packed = &bp}, dx);
    CHECK(difference(dx, layer.backward_data(dy, w.to_vector<float>())) == -1);
  }
}

}  // namespace satsuma
