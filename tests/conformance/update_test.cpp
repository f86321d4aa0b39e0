#include <doctest/doctest.h>

#include <cstring>

#include "satsuma/core/rng.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "support/devices.hpp"

namespace satsuma {

namespace {

Tensor draw(Rng& rng, const Shape& shape, MemoryFormat format, bool ties = false) {
  Tensor tensor = Tensor::zeros(shape, DType::f32, format);
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (float& value : values) {
    value = 2 * rng.uniform() - 1;
    if (ties) value = static_cast<float>(static_cast<int>(value * 4)) / 4;
  }
  tensor.copy_from(Tensor::from(values, shape));
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const auto bytes = static_cast<std::size_t>(a.extent()) * size_of(a.dtype());
  return a.shape() == b.shape() && a.layout() == b.layout() && a.extent() == b.extent() &&
         std::memcmp(a.raw(), b.raw(), bytes) == 0;
}

/// A layer whose weight is packed in FF and BP.
LayerPlan packed_plan(const Geometry& geometry, DType operands, Pattern pattern) {
  LayerPlan plan(geometry, operands);
  plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, pattern);
  plan[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, pattern);
  return plan;
}

/// One layer in training whose packed weights are kept from step to step, or made anew in each.
struct Layer {
  Device& device;
  LayerPlan plan;
  UpdateArgs args;
  PackedWeight ff, bp;

  void update(const Tensor& grad, bool anew) {
    if (anew) ff = bp = {};
    args.grad = grad;
    args.packed_ff = &ff;
    args.packed_bp = &bp;
    device.update(args);
  }
  Tensor forward(const Tensor& x, const Shape& output) {
    Tensor y = Tensor::zeros(output, DType::f32, device.activation_format());
    device.forward(plan, x, {.packed = &ff}, {}, y);
    device.synchronize();
    return y;
  }
  Tensor backward(const Tensor& dy, const Shape& input) {
    Tensor dx = Tensor::zeros(input, DType::f32, device.activation_format());
    device.backward_data(plan, dy, {.packed = &bp}, dx);
    device.synchronize();
    return dx;
  }
};

void check_steps(Device& device, const Geometry& geometry, DType operands, Pattern pattern,
                 const UpdateRule& rule, double sr_ste, bool ties) {
  Rng rng(7);
  const Shape shape = geometry.weight_shape();
  const Shape input = {17, geometry.in_channels, 5, 4};
  const Shape output = geometry.output_shape("update", input);
  const Tensor x = draw(rng, input, device.activation_format());
  const Tensor dy = draw(rng, output, device.activation_format());
  const Tensor weight = draw(rng, shape, MemoryFormat::channels_last, ties);
  const Tensor states[] = {draw(rng, shape, MemoryFormat::channels_last, ties),
                           Tensor::full(shape, 0.25, DType::f32, MemoryFormat::channels_last)};

  const auto layer = [&] {
    UpdateArgs args;
    args.weight = weight.clone();
    for (std::size_t i = 0; i < rule.states(); ++i) args.states[i] = states[i].clone();
    args.rule = &rule;
    args.lr = 0.1;
    args.sr_ste = sr_ste;
    args.pattern = pattern;
    return Layer{device, packed_plan(geometry, operands, pattern), args, {}, {}};
  };
  Layer kept = layer();
  Layer anew = layer();
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const Tensor grad = draw(rng, shape, MemoryFormat::channels_last, ties);
    kept.update(grad, false);
    anew.update(grad, true);
    CHECK(same_bits(kept.args.weight, anew.args.weight));
    for (std::size_t s = 0; s < rule.states(); ++s)
      CHECK(same_bits(kept.args.states[s], anew.args.states[s]));
    CHECK(same_bits(kept.forward(x, output), anew.forward(x, output)));
    CHECK(same_bits(kept.backward(dy, input), anew.backward(dy, input)));
  }
  // Operands of another type need another form of the same weight.
  kept.plan.operands = anew.plan.operands = operands == DType::f32 ? DType::bf16 : DType::f32;
  if (!device.supports(kept.plan, Pass::ff)) return;
  CHECK(same_bits(kept.forward(x, output), anew.forward(x, output)));
  CHECK(same_bits(kept.backward(dy, input), anew.backward(dy, input)));
}

}  // namespace

TEST_CASE("packed weights that are kept from step to step give the bits of those made anew") {
  const Geometry geometries[] = {
      {.in_channels = 32, .out_channels = 48, .kernel = {3, 3}, .padding = {1, 1}},
      {.in_channels = 576, .out_channels = 16},
      {.in_channels = 24, .out_channels = 40, .kernel = {3, 1}, .padding = {1, 0}},
      {.in_channels = 64, .out_channels = 10},
  };
  const Pattern patterns[] = {{1, 2},  {2, 4},  {1, 4},  {3, 4},  {4, 8},  {2, 8}, {1, 8}, {7, 8},
                              {4, 16}, {2, 16}, {1, 16}, {8, 16}, {9, 16}, {3, 7}, {2, 32}};
  struct Step {
    const char* optimizer;
    optim::Settings settings;
    double sr_ste = 0;
  };
  const Step steps[] = {{"sgd", {.momentum = 0.9, .weight_decay = 5e-4}},
                        {"sgd", {.weight_decay = 5e-4}, 2e-2},
                        {"adamw", {.weight_decay = 0.05}, 2e-2},
                        {"sgd", {.momentum = 0.9, .nesterov = true}},
                        {"adam", {.weight_decay = 5e-4}},
                        {"lamb", {.weight_decay = 0.05}, 2e-2},
                        {"sgd", {.momentum = 0.9}, 2e-2}};
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    const auto device = find_device(entry.name);
    CAPTURE(entry.name);
    int number = 0;
    for (const Geometry& geometry : geometries) {
      CAPTURE(to_string(geometry));
      for (const Pattern pattern : patterns) {
        CAPTURE(to_string(pattern));
        for (const DType operands : {DType::f32, DType::bf16}) {
          CAPTURE(to_string(operands));
          if (!device->supports(packed_plan(geometry, operands, pattern), Pass::ff)) continue;
          const Step& step = steps[static_cast<std::size_t>(number) % std::size(steps)];
          const auto rule = optim::find_optimizer(step.optimizer).rule(step.settings, 1);
          check_steps(*device, geometry, operands, pattern, *rule, step.sr_ste, ++number % 3 == 0);
        }
      }
    }
  }
}

}  // namespace satsuma
