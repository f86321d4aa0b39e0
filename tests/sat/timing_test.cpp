#include <doctest/doctest.h>

#include "sat/networks.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/sat/array.hpp"
#include "satsuma/sat/scheduler.hpp"

namespace satsuma::sat::test {

namespace {

constexpr std::array<Pass, 3> kPasses = {Pass::ff, Pass::bp, Pass::wu};

StepTiming time_of(const Config& config, const Workload& network) {
  return simulate(config, network, make_schedule(config, network));
}

/// DRAM so fast that nobody waits for it.
Config ideal() {
  Config config;
  config.dram_gbps_per_channel = 10000;
  config.dram_channels = 64;
  config.dram_latency_ns = 0;
  config.control_cycles_per_tile = 0;
  return config;
}

}  // namespace

TEST_CASE("counts add up, for every method, pass and layer") {
  const Config config;
  for (const Method* const method : methods()) {
    if (method->transposable) continue;  // SAT has no unit that picks along two axes
    const Workload network = pruned(resnet18(32, 64, true), method->name, "2:8");
    const StepTiming step = time_of(config, network);
    Counts sum;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      for (const Pass pass : kPasses) {
        const PassTiming& timing = step.layers[i][pass];
        CAPTURE(method->name);
        CAPTURE(network.layers[i].plan.name);
        CAPTURE(to_string(pass));
        CHECK(timing.run == network.layers[i].runs(pass));
        CHECK(timing.cycles == timing.compute_cycles + timing.stalls.total());
        CHECK(timing.macs == network.layers[i].macs(pass));
        CHECK(timing.pattern == network.layers[i].pattern(pass));
        // No engine works longer than the pass lasts.
        CHECK(timing.cycles >= timing.busy.stce);
        CHECK(timing.cycles >= timing.busy.sore);
        CHECK(timing.cycles >= timing.busy.wuve);
        CHECK(timing.cycles >= timing.busy.dram);
        CHECK(timing.stalls.memory >= 0);
        CHECK(timing.stalls.update >= 0);
        if (timing.run) CHECK(timing.utilization(config) > 0);
        CHECK(timing.utilization(config) <= 1);
        sum += timing;
      }
    }
    CHECK(sum.cycles == step.total().cycles);
    CHECK(sum.energy.total() == doctest::Approx(step.total().energy.total()));
    CHECK(step.total(Pass::ff).cycles + step.total(Pass::bp).cycles + step.total(Pass::wu).cycles ==
          sum.cycles);
    CHECK(step.total().gops(config) <= config.peak_gops());
  }
}

TEST_CASE("a product that fits the chip, ideal memory: the array's cycles and no others") {
  Config config = ideal();
  config.accumulator_latency = 1;
  config.accumulator_interleave = 1;
  Workload network{"known", {gemm_layer("known", 128, 256, 256)}};
  SchedulerOptions options;
  options.search = false;
  const PassTiming ws =
      simulate(config, network, make_schedule(config, network, options)).layers[0][Pass::ff];
  CHECK(ws.busy.stce == 11200);
  CHECK(ws.cycles - ws.busy.stce <= 2);  // the first load and the last store, a cycle each
  CHECK(time_of(config, network).layers[0][Pass::ff].busy.stce == 10176);
}

TEST_CASE("operands that are loaded once: bytes counted by hand") {
  Config config;
  config.buffer_kib = 1 << 20;
  Workload network{"one", {convolution("one", 32, 64, 3, 1, 8, 16)}};
  apply(network, {.method = &find_method("bdwp"), .pattern = {2, 8}});
  SchedulerOptions options;
  options.search = false;
  const StepTiming step = simulate(config, network, make_schedule(config, network, options));
  const std::int64_t pixels = 16 * 8 * 8;
  const std::int64_t weights = 32 * 64 * 9;
  const PassTiming& ff = step.layers[0][Pass::ff];
  CHECK(ff.read.activations == pixels * 32 * 2);
  CHECK(ff.read.weights == weights / 4 * 2);
  CHECK(ff.read.indices == weights / 4 * 3 / 8);
  CHECK(ff.written.activations == pixels * 64 * 2);
  CHECK(ff.read.total() + ff.written.total() ==
        ff.read.activations + ff.read.weights + ff.read.indices + ff.written.activations);
  const PassTiming& bp = step.layers[0][Pass::bp];
  CHECK(bp.read.gradients == pixels * 64 * 2);
  CHECK(bp.written.gradients == pixels * 32 * 2);
  CHECK(bp.read.weights == weights / 4 * 2);
  const PassTiming& wu = step.layers[0][Pass::wu];
  CHECK(wu.read.activations == pixels * 32 * 2);
  CHECK(wu.read.gradients == pixels * 64 * 2);
  CHECK(wu.read.optimizer == weights * 8);
  CHECK(wu.written.optimizer == weights * 8);
  CHECK(wu.written.weights == 2 * weights / 4 * 2);
  CHECK(wu.read.partial_sums + wu.written.partial_sums == 0);
}

TEST_CASE("slower memory costs more, and only memory stalls") {
  Config config;
  const Workload network = pruned(resnet18(32, 64, true), "bdwp", "2:8");
  std::int64_t before = 0;
  for (const double gbps : {100.0, 19.2, 4.0, 1.0}) {
    config.dram_gbps_per_channel = gbps;
    const Counts total = time_of(config, network).total();
    CHECK(total.cycles > before);
    before = total.cycles;
  }
  config.dram_gbps_per_channel = 1;
  CHECK(time_of(config, network).total().stalls.memory > before / 3);
}

TEST_CASE("workloads of 10^12 cycles are counted, larger ones refused") {
  Config config;
  // 2^50 multiply-adds on 1024 USPEs.
  Workload network{"huge", {gemm_layer("huge", 1 << 15, 1 << 15, 1 << 20)}};
  const Counts total = time_of(config, network).total();
  CHECK(total.macs == std::int64_t{1} << 50);
  CHECK(total.cycles > (std::int64_t{1} << 40));
  CHECK(total.cycles < (std::int64_t{1} << 40) * 11 / 10);
  CHECK_THROWS_AS(gemm_layer("larger", 1 << 30, 1 << 20, 1 << 20), UsageError);

  // One USPE that waits 64 cycles for every sum: 2^59 cycles.
  config.rows = config.columns = config.accumulator_interleave = 1;
  config.accumulator_latency = 64;
  network.layers = {gemm_layer("serial", 1 << 17, 1 << 18, 1 << 18)};
  CHECK(time_of(config, network).total().cycles > (std::int64_t{1} << 53));
  // Memory a billion times slower than that does not wrap.
  config.dram_gbps_per_channel = 0.001;
  config.dram_efficiency = 0.01;
  config.clock_mhz = 10000;
  try {
    const std::int64_t cycles = time_of(config, network).total().cycles;
    CHECK(cycles > 0);
  } catch (const UsageError& error) {
    CHECK(std::string(error.what()).find("2^63") != std::string::npos);
  }
}

TEST_CASE("groups of channels are products of their own") {
  Config config = ideal();
  Layer layer = convolution("depthwise", 32, 32, 3, 1, 8, 16);
  layer.plan.geometry.groups = 32;
  const Workload network{"depthwise", {layer}};
  Layer one = convolution("one", 1, 1, 3, 1, 8, 16);
  const Workload single{"one", {one}};
  const StepTiming all = time_of(config, network);
  const StepTiming each = time_of(config, single);
  for (const Pass pass : kPasses)
    CHECK(all.total(pass).compute_cycles == 32 * each.total(pass).compute_cycles);
  CHECK(all.total().macs == 32 * each.total().macs);
}

TEST_CASE("BDWP 2:8 over dense on ResNet-18") {
  const Config config;
  const auto cycles = [&](std::string_view method) {
    return static_cast<double>(
        time_of(config, pruned(resnet18(64, 512, true), method, "2:8")).total().cycles);
  };
  // What docs/sat.md says: a change of the model must change the page.
  CHECK(cycles("dense") / cycles("bdwp") == doctest::Approx(1.89).epsilon(0.005));
}

}  // namespace satsuma::sat::test
