#include "tools/satsuma/kernel_timing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>

#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools {

namespace {

Tensor random_tensor(const Shape& shape, MemoryFormat format, std::uint64_t stream) {
  Rng rng(0, stream);
  Tensor values = Tensor::empty(shape);
  for (float& value : std::span(values.data<float>(), static_cast<std::size_t>(values.numel())))
    value = rng.uniform() - 0.5F;
  return values.to(format);
}

/// Our device's passes of a layer under several plans, with operands of their own.
class OurPasses {
 public:
  OurPasses(Device& device, const KernelLayer& layer, std::int64_t batch, std::vector<LayerPlan> plans)
      : device_(device), plans_(std::move(plans)) {
    const MemoryFormat format = device.activation_format();
    x_ = random_tensor({batch, layer.image[0], layer.image[1], layer.image[2]}, format, 1);
    y_ = random_tensor({batch, layer.output[0], layer.output[1], layer.output[2]}, format, 2);
    w_ = random_tensor(layer.geometry.weight_shape(), MemoryFormat::channels_last, 3);
    dw_ = Tensor::empty_like(w_);
    packed_.resize(plans_.size());
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      for (const Pass pass : {Pass::ff, Pass::bp}) {
        const OperandPlan& weight = plans_[i][pass].weight;
        if (weight.kind == OperandKind::packed)
          packed_[i][static_cast<std::size_t>(pass)] = device.compress(w_, weight.axis, weight.pattern);
      }
    }
  }

  const LayerPlan& plan(std::size_t number) const { return plans_[number]; }

  /// A pass as the plan of that number has it.
  void run(Pass pass, std::size_t number) {
    const LayerPlan& plan = plans_[number];
    WeightOperand weight{.dense = &w_};
    if (plan[pass].weight.kind == OperandKind::packed)
      weight = {.packed = &packed_[number][static_cast<std::size_t>(pass)]};
    Tensor no_bias;
    if (pass == Pass::ff) {
      device_.forward(plan, x_, weight, {}, y_);
    } else if (pass == Pass::bp) {
      device_.backward_data(plan, y_, weight, x_);
    } else {
      device_.backward_weights(plan, {}, x_, y_, dw_, no_bias);
    }
    device_.synchronize();
  }

 private:
  Device& device_;
  std::vector<LayerPlan> plans_;
  Tensor x_, y_, w_, dw_;
  std::vector<std::array<PackedWeight, 2>> packed_;  ///< by plan, W_ff and W_bp
};

double seconds_of(const std::function<void()>& run, int calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / calls;
}

/// Seconds of each of `runs`, warmed up and then measured in turns. A run of microseconds is repeated
/// until the clock and the start of threads no longer matter.
std::vector<std::vector<double>> in_turns(const std::vector<std::function<void()>>& runs, int warmup,
                                          int repeat) {
  constexpr double kLeastSeconds = 2e-3;
  std::vector<int> calls(runs.size(), 1);
  std::vector<std::vector<double>> seconds(runs.size());
  for (int i = -std::max(warmup, 1); i < repeat; ++i) {
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const double taken = seconds_of(runs[r], calls[r]);
      if (i >= 0) seconds[r].push_back(taken);
      if (i < 0) calls[r] = static_cast<int>(std::clamp(std::ceil(kLeastSeconds / taken), 1.0, 1000.0));
    }
  }
  return seconds;
}

void require_support(const Device& device, const LayerPlan& plan, Pass pass) {
  const Support support = device.supports(plan, pass);
  if (!support) throw DeviceError(fmt::format("{} of '{}': {}", to_string(pass), plan.name, support.reason));
}

/// The plans of `ours` are the dense one and, behind it, one a pattern.
KernelTiming time_pass(const KernelRace& race, const Device& device, OurPasses& ours,
                       const KernelLayer& layer, Pass pass) {
  KernelTiming result;
  result.layer = &layer;
  result.pass = pass;
  const auto peers = dense_peers(layer.geometry, layer.image, race.batch_size, pass);
  std::vector<std::function<void()>> runs;
  for (const auto& peer : peers) runs.emplace_back([&peer] { peer->run(); });
  require_support(device, ours.plan(0), pass);
  runs.emplace_back([&] { ours.run(pass, 0); });
  for (std::size_t i = 0; i < race.patterns.size(); ++i) {
    const LayerPlan& plan = ours.plan(i + 1);
    result.sparse.push_back({race.patterns[i], plan[pass].skips(), {}});
    if (!result.sparse.back().pruned) continue;
    require_support(device, plan, pass);
    runs.emplace_back([&ours, pass, i] { ours.run(pass, i + 1); });
  }
  const std::vector<std::vector<double>> seconds = in_turns(runs, race.warmup, race.repeat);

  const auto best =
      std::min_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(peers.size()),
                       [](const auto& a, const auto& b) { return median(a) < median(b); });
  result.peer = *best;
  result.peer_description = peers[static_cast<std::size_t>(best - seconds.begin())]->description();
  result.dense = seconds[peers.size()];
  std::size_t next = peers.size();
  for (SparseTiming& sparse : result.sparse) sparse.seconds = sparse.pruned ? seconds[++next] : result.dense;
  return result;
}

}  // namespace

double KernelTiming::gflops(const std::vector<double>& seconds, std::int64_t batch) const {
  const std::int64_t macs = layer->geometry.dense_macs(layer->output[1], layer->output[2]) * batch;
  return 2e-9 * static_cast<double>(macs) / median(seconds);
}

double KernelTiming::ratio(const SparseTiming& ours) const {
  return median(peer) / median(ours.seconds);
}

std::vector<KernelTiming> time_layer(const KernelRace& race, Device& device, const KernelLayer& layer) {
  std::vector<LayerPlan> plans = {layer.plan(MethodText::parse("dense"), {})};
  for (const Pattern pattern : race.patterns) plans.push_back(layer.plan(race.method, pattern));
  OurPasses ours(device, layer, race.batch_size, std::move(plans));
  std::vector<KernelTiming> timings;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    if (pass == Pass::bp && !layer.has_bp) continue;
    timings.push_back(time_pass(race, device, ours, layer, pass));
  }
  return timings;
}

double mean_ratio(const std::vector<KernelTiming>& timings, Pass pass, std::size_t number) {
  std::vector<double> ratios;
  for (const KernelTiming& timing : timings) {
    if (timing.pass == pass)
      ratios.insert(ratios.end(), static_cast<std::size_t>(timing.layer->count),
                    timing.ratio(timing.sparse[number]));
  }
  return geometric_mean(ratios);
}

}  // namespace satsuma::tools
