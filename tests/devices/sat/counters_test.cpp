// What a training step would take on the card, as the device counts it pass by pass, is what the timing model
// says of the same layers when it knows them beforehand.

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "satsuma/device/contraction.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/sat/scheduler.hpp"

namespace satsuma {

namespace {

struct Expected {
  std::int64_t cycles = 0;
  std::int64_t nanojoules = 0;
};

/// The passes of a layer, packed weights pre-generated.
void add(const sat::Layer& layer, Expected& expected) {
  const sat::Config config;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    if (!layer.runs(pass)) continue;
    sat::LayerSchedule schedule;
    schedule.layer = layer.plan.name;
    schedule[pass] = sat::schedule_pass(config, layer, pass);
    const sat::PassTiming timing = sat::time_pass(config, layer, pass, schedule);
    expected.cycles += timing.cycles;
    expected.nanojoules += std::llround(1e9 * timing.energy.total());
  }
}

}  // namespace

TEST_CASE("cycles and energy of a training step are those of the timing model") {
  const Pattern sparse = {2, 8};
  const auto device = find_device("sat");
  const std::int64_t images = 32;
  const auto plan = [&](const char* name, const Geometry& geometry, bool first) {
    LayerPlan layer(geometry, DType::f16, name);
    layer.reads_data = first;
    if (first) layer.keep_dense = "first";
    return planned(std::move(layer), {.method = &find_method("bdwp"), .pattern = sparse});
  };
  const std::vector<sat::Layer> layers = {
      {plan("first", {.in_channels = 3, .out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}}, true),
       {8, 8},
       images},
      {plan("second",
            {.in_channels = 16, .out_channels = 32, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}},
            false),
       {8, 8},
       images},
      {plan("classifier", {.in_channels = 32, .out_channels = 10}, false), {1, 1}, images},
  };
  std::vector<std::unique_ptr<Contraction>> contractions;
  for (const sat::Layer& layer : layers) {
    const Geometry& geometry = layer.plan.geometry;
    contractions.push_back(
        std::make_unique<Contraction>(layer.plan.name, geometry, Tensor::full(geometry.weight_shape(), 0.5)));
    if (layer.plan.reads_data) contractions.back()->keep_dense("first");
    if (layer.plan.reads_data) contractions.back()->read_data();
    contractions.back()->configure(
        {.sparsity = {.method = &find_method("bdwp"), .pattern = sparse}, .device = device});
  }

  Expected expected;
  for (const sat::Layer& layer : layers) add(layer, expected);
  CHECK(expected.cycles > 1000);
  for (int step = 0; step < 2; ++step) {
    device->reset_counters();
    std::vector<Tensor> inputs, outputs;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const sat::Layer& layer = layers[i];
      inputs.push_back(Tensor::full({images, layer.plan.geometry.in_channels, layer.input[0], layer.input[1]},
                                    0.5, DType::f32, MemoryFormat::batch_blocked));
      outputs.push_back(contractions[i]->forward(inputs[i], {}));
    }
    for (std::size_t i = layers.size(); i-- > 0;) {
      const Tensor dy = Tensor::full(outputs[i].shape(), 0.5, DType::f32, MemoryFormat::batch_blocked);
      if (layers[i].runs(Pass::bp)) contractions[i]->backward_data(dy, inputs[i].shape());
      contractions[i]->update(contractions[i]->backward_weights(inputs[i], dy, false).weight, {}, SgdRule(),
                              0.1);
    }
    CHECK(device->counters().cycles == expected.cycles);
    CHECK(device->counters().nanojoules == expected.nanojoules);
    const double nanoseconds = 1e9 * sat::Config().seconds(expected.cycles);
    // Each of eight passes is rounded to a nanosecond.
    CHECK(std::abs(static_cast<double>(device->counters().device_nanoseconds) - nanoseconds) <= 4);
  }
}

TEST_CASE("what a pass takes on the card does not depend on what ran before it") {
  const Geometry geometry{.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const auto device = find_device("sat");
  Contraction sparse("sparse", geometry, Tensor::full(geometry.weight_shape(), 0.5));
  Contraction dense("dense", geometry, Tensor::full(geometry.weight_shape(), 0.5));
  sparse.configure({.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 8}}, .device = device});
  dense.configure({.device = device});
  const Tensor x = Tensor::full({16, 64, 4, 4}, 0.5, DType::f32, MemoryFormat::batch_blocked);
  const auto cycles_of_wu = [&](Contraction& layer) {
    const std::int64_t before = device->counters().cycles;
    layer.backward_weights(x, x, false);
    return device->counters().cycles - before;
  };
  const std::int64_t alone = cycles_of_wu(sparse), alone_dense = cycles_of_wu(dense);
  CHECK(alone != alone_dense);
  for (Contraction* const before : {&dense, &sparse}) {
    before->forward(x, {});
    before->backward_data(x, x.shape());
    CHECK(cycles_of_wu(sparse) == alone);
    CHECK(cycles_of_wu(dense) == alone_dense);
  }
}

}  // namespace satsuma
