#include "satsuma/device/check_device.hpp"

#include <doctest/doctest.h>

#include <string>

#include "conformance/faulty_device.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/device/contraction.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::Fault;
using testing::random_tensor;

/// A training step of one layer on `device`; what it throws, or nothing.
std::string step(const std::shared_ptr<Device>& device, const char* optimizer = "sgd") {
  const Geometry geometry = {.in_channels = 20, .out_channels = 24, .kernel = {3, 3}, .padding = {1, 1}};
  Contraction layer("layer1.conv", geometry, random_tensor(geometry.weight_shape(), 5, DType::f32));
  layer.configure(
      {.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 8}}, .sr_ste = 1e-3, .device = device});
  const Tensor x = random_tensor({5, 20, 6, 6}, 1, DType::f32),
               dy = random_tensor({5, 24, 6, 6}, 2, DType::f32);
  const Tensor bias = random_tensor({24}, 3, DType::f32);
  const auto zeros = [&] {
    return Tensor::zeros(layer.weight().shape(), DType::f32, MemoryFormat::channels_last);
  };
  const Tensor states[] = {zeros(), zeros()};
  const optim::Settings settings{.momentum = 0.9, .nesterov = true};
  const auto rule = optim::find_optimizer(optimizer).rule(settings, 1);
  try {
    for (int i = 0; i < 2; ++i) {
      layer.forward(x, bias);
      layer.backward_data(dy, x.shape());
      const auto grad = layer.backward_weights(x, dy, true);
      layer.update(grad.weight, {states, rule->states()}, *rule, 0.01);
    }
  } catch (const DeviceError& error) {
    return error.what();
  }
  CHECK(layer.fallbacks() == 0);
  return "";
}

std::string step_with(Fault fault, const char* optimizer = "sgd") {
  const auto faulty = std::make_shared<testing::FaultyDevice>(fault);
  return step(make_check_device(find_device("reference"), faulty), optimizer);
}

}  // namespace

TEST_CASE("two sound devices agree, and the first one's operations are counted") {
  CHECK(step_with(Fault::none) == "");
  for (const optim::Kind* const kind : optim::optimizers()) {
    CAPTURE(std::string(kind->name));
    CHECK(step(find_device("check:reference,cpu"), kind->name.data()) == "");
  }
  const auto pair = find_device("check:reference,cpu");
  pair->reset_counters();
  CHECK(step(pair) == "");
  CHECK(pair->counters()[Pass::ff].calls == 2);
  CHECK(pair->counters()[Pass::ff].macs == 2 * 5 * 24 * 9 * 5 * 36);  // 20 channels keep 2 + 2 + 1
  CHECK(pair == find_device("check:reference,cpu"));
}

TEST_CASE("the first call that differs is named with its layer and pass") {
  constexpr struct {
    Fault fault;
    const char* words;
  } kCases[] = {
      {Fault::one_output, "layer 'layer1.conv', FF: reference and faulty differ: Y[0, 0, 0, 0] is "},
      {Fault::no_bias, "FF: reference and faulty differ: Y["},
      {Fault::one_gradient, "BP: reference and faulty differ: dX[0, 0, 0, 0] is "},
      {Fault::wrong_row, "BP: reference and faulty differ: dX["},
      {Fault::flipped_kernel, "WU: reference and faulty differ: dW["},
      {Fault::ragged_group, "FF: reference and faulty differ: packed W_ff has other values"},
      {Fault::stale_packed, "update: reference and faulty differ: packed W_bp "},
      {Fault::forgets_ff, "update: reference and faulty differ: packed W_ff has another shape"},
      {Fault::no_sr_ste, "update: reference and faulty differ: first state["},
  };
  for (const auto& [fault, words] : kCases) {
    const std::string line = step_with(fault);
    CAPTURE(line);
    const std::string expected = words;
    CAPTURE(expected);
    CHECK(line.find(expected) != std::string::npos);
  }
  const std::string line = step_with(Fault::keeps_state, "adamw");
  CAPTURE(line);
  CHECK(line.find("update: reference and faulty differ: second state[") != std::string::npos);
}

TEST_CASE("what one of the two refuses is refused with its name") {
  const auto pair = make_check_device(find_device("reference"), find_device("cpu"));
  LayerPlan plan;
  plan.dtype = DType::f64;
  const Support answer = pair->supports(plan, Pass::ff);
  CHECK_FALSE(answer.yes);
  CHECK(answer.reason == "cpu: computes in f32, not f64");
}

TEST_CASE("a pair that is none is wrong use") {
  for (const char* const name : {"check:", "check:cpu", "check:cpu,", "check:,cpu", "check:cpu,cpu",
                                 "check:cpu,reference,cpu", "check:check:cpu,reference"}) {
    CAPTURE(std::string(name));
    CHECK_THROWS_WITH_AS(find_device(name), doctest::Contains("expected check:TRUSTED,SUSPECT"), UsageError);
  }
  CHECK_THROWS_AS(find_device("check:cpu,nobody"), UsageError);
}

}  // namespace satsuma
