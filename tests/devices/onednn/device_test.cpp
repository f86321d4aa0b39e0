// The device `onednn`: what it refuses, what it copies, and that it trains as `cpu` does. Its conformance is
// in tests/conformance, with that of the others.

#include <doctest/doctest.h>

#include <cmath>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/device/check_device.hpp"
#include "satsuma/device/contraction.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/placement.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

/// Losses of three steps of a small ResNet-20 on one batch, whose last block of sixteen is not full and which
/// is large enough for `cpu` to lay it out in such blocks.
std::vector<double> losses(const std::string& device, const std::string& method, const char* precision) {
  Rng rng(7);
  const auto model = models::find("resnet20").create({.input = {3, 8, 8}, .width = 0.5}, rng);
  train::LayerOptions layers;
  layers.set_method(method);
  layers.operands = train::parse_precision(precision);
  layers.device = device;
  train::configure_layers(*model, layers);
  model->train();
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), model->parameters(), {.momentum = 0.9});
  const Tensor images = random_tensor({29, 3, 8, 8}, 1, DType::f32);
  Tensor labels = Tensor::empty({29}, DType::i64);
  for (int i = 0; i < 29; ++i) labels.data<std::int64_t>()[i] = i % 10;
  std::vector<double> result;
  for (int i = 0; i < 3; ++i) {
    optimizer.zero_grad();
    const Tensor loss = ops::cross_entropy((*model)(images), labels);
    backward(loss);
    optimizer.step(0.05);
    result.push_back(loss.item());
  }
  return result;
}

bool has_bf16() {
  return find_device("onednn")->supports({Geometry(), DType::bf16}, Pass::ff).yes;
}

}  // namespace

TEST_CASE("onednn trains as cpu does") {
  // Sums of some hundred terms in another order: about 1e-6 of each value, and the loss is a mean of many;
  // 1e-7 was seen. Under bf16 such a difference may round an operand to the other side, which is 1/256 of it,
  // and the next step's weights hold that; 1e-3 was seen.
  for (const char* const precision : {"fp32", "bf16"}) {
    const bool narrow = precision[0] == 'b';
    if (narrow && !has_bf16()) continue;
    for (const char* const method : {"dense", "bdwp"}) {
      CAPTURE(std::string(precision));
      CAPTURE(std::string(method));
      const auto expected = losses("cpu", method, precision), got = losses("onednn", method, precision);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        CHECK(std::abs(got[i] - expected[i]) < (narrow ? 1e-2 : 1e-5) * expected[i]);
      }
      CHECK(std::abs(expected[2] - expected[0]) > 0.05);
    }
  }
}

TEST_CASE("every dense pass of a model on onednn is held against cpu") {
  CHECK_NOTHROW(losses("check:cpu,onednn", "dense", "fp32"));
  const auto comparison = comparison_of(*find_device("check:cpu,onednn"));
  REQUIRE(comparison);
  // ResNet-20 has 19 convolutions, two of them beside a shortcut, and a linear layer; there is no BP of the
  // first. Three steps.
  CHECK(comparison->calls == 3 * comparison->passes);
  CHECK(comparison->passes == 3 * comparison->layers - 1);
  CHECK(comparison->layers >= 20);
}

TEST_CASE("onednn refuses what is not dense, and cpu runs it") {
  const auto device = find_device("onednn");
  const Geometry geometry = {.in_channels = 16, .out_channels = 16};
  const Pattern pattern{2, 8};
  Contraction layer("conv", geometry, random_tensor(geometry.weight_shape(), 3, DType::f32));
  layer.configure({.sparsity = {.method = &find_method("bdwp"), .pattern = pattern}, .device = device});
  CHECK(layer.fallbacks() == 2);
  CHECK(layer.device(Pass::ff).name() == "cpu");
  CHECK(layer.device(Pass::wu).name() == "onednn");
  CHECK(layer.fallback(Pass::ff).find("dense operands alone, not packed 2:8") != std::string::npos);
  layer.configure(
      {.sparsity = {.method = &find_method("sdgp"), .pattern = pattern, .wu = pattern}, .device = device});
  CHECK(layer.device(Pass::bp).name() == "cpu");
  CHECK(layer.fallback(Pass::bp).find("not pruned 2:8") != std::string::npos);
  CHECK(layer.fallback(Pass::wu).find("not sampled 2:8") != std::string::npos);
  // A masked weight has zeros in it and is dense.
  layer.configure(
      {.sparsity = {.method = &find_method("sr-ste"), .pattern = pattern, .bp_weight = OperandKind::masked},
       .device = device});
  CHECK(layer.device(Pass::bp).name() == "onednn");
  CHECK_THROWS_AS(layer.configure({.sparsity = {.method = &find_method("bdwp"), .pattern = pattern},
                                   .device = device,
                                   .strict = true}),
                  DeviceError);

  LayerPlan plan(geometry, DType::f16);
  CHECK(device->supports(plan, Pass::ff).reason == "has no products of f16");
  plan.operands = DType::f32;
  plan.dtype = DType::f64;
  CHECK(device->supports(plan, Pass::ff).reason == "computes in f32, not f64");
}

TEST_CASE("onednn copies no activations in f32, and a constant weight once") {
  Device& device = *find_device("onednn");
  const Geometry geometry = {.in_channels = 32, .out_channels = 32, .kernel = {3, 3}, .padding = {1, 1}};
  const auto make = [](const Shape& shape) {
    return random_tensor(shape, 5, DType::f32).to(MemoryFormat::channels_last);
  };
  const Tensor w = make(geometry.weight_shape()), x = make({16, 32, 8, 8});
  const std::int64_t weight_bytes = 4 * w.numel();
  Tensor y = make({16, 32, 8, 8}), dw = make(w.shape()), dx = make(x.shape()), none;
  std::shared_ptr<DeviceForm> form;
  device.reset_counters();
  for (int i = 0; i < 3; ++i) device.forward(geometry, x, {.dense = &w, .dense_form = &form}, {}, y);
  const Counters once = device.counters();
  CHECK(once.bytes_to_device <= weight_bytes);
  CHECK(once.bytes_from_device == 0);
  CHECK((once.transfer_nanoseconds > 0) == (once.bytes_to_device > 0));
  CHECK(once.kernel_nanoseconds > 0);
  CHECK(once.kernel_nanoseconds + once.transfer_nanoseconds <= once[Pass::ff].nanoseconds);
  device.reset_counters();
  device.forward(geometry, x, {.dense = &w}, {}, y);
  device.backward_data(geometry, y, {.dense = &w}, dx);
  device.backward_weights(geometry, {}, x, y, dw, none);
  CHECK(device.counters().bytes_to_device <= 2 * weight_bytes);
  CHECK(device.counters().bytes_from_device <= weight_bytes);
  if (!has_bf16()) return;
  // The kernels of bf16 read operands that were rounded before.
  device.reset_counters();
  device.forward({geometry, DType::bf16}, x, {.dense = &w}, {}, y);
  CHECK(device.counters().bytes_to_device == 4 * (x.numel() + w.numel()));
}

}  // namespace satsuma
