#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "satsuma/device/registry.hpp"
#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"

namespace satsuma::conformance {

namespace {

constexpr int kRuns = 5;

std::vector<Case> layers() {
  const Geometry inner = {.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry late = {.in_channels = 256, .out_channels = 256, .kernel = {3, 3}, .padding = {1, 1}};
  const Geometry pointwise = {.in_channels = 256, .out_channels = 64};
  std::vector<Case> cases;
  for (const Pattern pattern : {Pattern(), Pattern{2, 8}}) {
    cases.push_back({"3x3-64", inner, {32, 64, 16, 16}, pattern});
    cases.push_back({"3x3-256", late, {32, 256, 4, 4}, pattern});
    cases.push_back({"1x1-256-64", pointwise, {32, 256, 8, 8}, pattern});
  }
  return cases;
}

/// Best of some runs after one that packs weights and warms caches.
double seconds_of(Device& device, const Case& layer, Pass pass, const Operands& operands) {
  const PassWeight weight(device, layer, pass, operands.weight);
  double best = 0;
  for (int i = 0; i <= kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run_pass(device, layer, own_types(device), pass, operands, weight);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    if (i == 1 || (i > 1 && passed.count() < best)) best = passed.count();
  }
  return best;
}

std::shared_ptr<Device> find_cpu() {
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == "cpu") return find_device("cpu");
  }
  return nullptr;
}

}  // namespace

void measure(Recorder& recorder, const Subject& subject) {
  const std::shared_ptr<Device> cpu = find_cpu();
  for (const Case& layer : layers()) {
    for (const Pass pass : kPasses) {
      if (pass == Pass::wu && !layer.pattern.dense()) continue;
      const std::string name =
          fmt::format("performance/{}/{}/{}", short_name(pass),
                      layer.pattern.dense() ? "dense" : to_string(layer.pattern), layer.name);
      recorder.check(name, [&](Verdict& verdict, Rng& rng) {
        if (!accepted(verdict, ask(*subject.device, layer, own_types(*subject.device), pass), {})) return;
        const Operands operands(rng, layer, own_types(*subject.device),
                                subject.device->activation_format_of(layer.input[0]));
        Timing timing{.name = name};
        timing.seconds = seconds_of(*subject.device, layer, pass, operands);
        if (cpu && ask(*cpu, layer, own_types(*subject.device), pass))
          timing.cpu_seconds = seconds_of(*cpu, layer, pass, operands);
        const Shape out = layer.output();
        timing.macs = pass_macs(layer.plan(own_types(*subject.device)), pass, out[0], out[2], out[3]);
        recorder.report().timings.push_back(timing);
      });
    }
  }
}

}  // namespace satsuma::conformance
