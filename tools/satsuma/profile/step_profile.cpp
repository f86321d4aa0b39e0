#include "tools/satsuma/profile/step_profile.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/saved_precision.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/trainee.hpp"

namespace satsuma::tools {

namespace {

double seconds_of(const Profile::Piece& piece) {
  return std::chrono::duration<double>(piece.end - piece.begin).count();
}

/// Bytes of a weight as an operand: packed ones are values of f32, and indices of a byte that rows share.
std::int64_t weight_bytes(const OperandPlan& weight, std::int64_t count) {
  if (weight.kind != OperandKind::packed) return 4 * count;
  const std::int64_t kept = count * weight.pattern.n / weight.pattern.m;
  return 4 * kept + kept / weight.pattern.shared;
}

/// What a pass reads and writes, each operand once.
std::int64_t pass_bytes(const Layer& layer, Pass pass, std::int64_t batch) {
  const auto numel = [](const Shape& shape) { return shape[0] * shape[1] * shape[2]; };
  const std::int64_t x = 4 * batch * numel(layer.input), y = 4 * batch * numel(layer.output);
  const LayerPlan& plan = layer.contraction->plan();
  return x + y + weight_bytes(plan[pass].weight, layer.contraction->weight().numel());
}

/// The costs of a layer's passes and update before anything is timed. A layer that is used twice has the sum.
class Costs {
 public:
  Costs(const std::vector<Layer>& layers, const train::Recipe& recipe, std::size_t states) {
    for (const Layer& layer : layers) {
      const Contraction& contraction = *layer.contraction;
      const LayerPlan& plan = contraction.plan();
      for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
        if (!plan[pass].run) continue;
        LayerCost& cost = at(contraction.name(), to_string(pass));
        const OperandPlan& operand = plan[pass].skipping();
        if (operand.kind != OperandKind::dense) {
          cost.nm = to_string(operand.pattern);
          cost.kind = to_string(operand.kind);
        }
        cost.device = contraction.device(pass).name();
        cost.bf16 = plan.operands == DType::bf16;
        cost.macs += pass_macs(plan, pass, recipe.batch_size, layer.output[1], layer.output[2]);
        cost.dense_macs += dense_pass_macs(plan, pass, recipe.batch_size, layer.output[1], layer.output[2]);
        cost.bytes += pass_bytes(layer, pass, recipe.batch_size);
      }
      LayerCost& update = at(contraction.name(), "update");
      update.device = contraction.device(Pass::ff).name();
      // The weight and the state are read and written, the gradient is read.
      update.bytes = 4 * contraction.weight().numel() * static_cast<std::int64_t>(3 + 2 * states);
    }
  }

  LayerCost& at(const std::string& layer, std::string_view part) {
    const auto [found, fresh] = index_.try_emplace({layer, std::string(part)}, all_.size());
    if (fresh) {
      all_.emplace_back();
      all_.back().layer = layer;
      all_.back().part = part;
    }
    return all_[found->second];
  }
  std::vector<LayerCost>& all() { return all_; }

 private:
  std::vector<LayerCost> all_;
  std::map<std::pair<std::string, std::string>, std::size_t> index_;
};

std::string_view phase_of(std::string_view part) {
  return part == "FF" ? "forward" : part == "update" ? "update" : "backward";
}

/// What a lap is called where the products in it are counted elsewhere.
std::string rest_name(std::string_view operation) {
  if (operation == "conv2d" || operation == "linear") return "around products";
  return operation == "optimizer" ? "other parameters" : std::string(operation);
}

using OtherSeconds = std::map<std::pair<std::string, std::string>, double>;

/// The time of operations without that of the layers' products in them.
OtherSeconds others_of(const Profile& profile) {
  OtherSeconds others;
  for (const Profile::Lap& lap : profile.laps())
    others[{std::string(to_string(lap.key.phase)), rest_name(lap.key.operation)}] += seconds_of(lap);
  for (const Profile::LayerPart& part : profile.layer_parts()) {
    const std::string_view phase = phase_of(part.part);
    others[{std::string(phase), phase == "update" ? "other parameters" : "around products"}] -=
        seconds_of(part);
  }
  return others;
}

}  // namespace

double LayerCost::gflops() const {
  return 2e-9 * static_cast<double>(macs) / median(seconds);
}

double LayerCost::gigabytes_a_second() const {
  return 1e-9 * static_cast<double>(bytes) / median(seconds);
}

double StepProfile::of_peak(const LayerCost& cost) const {
  return cost.gflops() / (cost.bf16 ? peak.bf16_gflops : peak.gflops);
}

StepProfile profile_steps(const train::Recipe& recipe, const Shape& input, std::int64_t classes, int repeat,
                          int warmup) {
  StepProfile result;
  result.recipe = recipe;
  result.input = input;
  result.classes = classes;
  result.repeat = repeat;
  const std::size_t memory_before = memory_use().in_use;
  const std::shared_ptr<nn::Module> model = train::make_model(recipe, input, classes);
  model->train();
  const optim::Kind& kind = optim::find_optimizer(recipe.optimizer);
  optim::Optimizer optimizer(kind, model->parameters(), recipe.optimizer_settings());
  const FixedBatch batch = random_batch(input, classes, recipe.batch_size);
  const auto layers = model->contractions();
  const auto states = static_cast<std::size_t>(std::count_if(
      kind.states.begin(), kind.states.end(), [](std::string_view name) { return !name.empty(); }));
  Costs costs(trace_layers(*model, input), recipe, states);
  std::map<std::pair<std::string, std::string>, OtherCost> others;

  LongWork work("profile", "steps", warmup + repeat);
  for (int i = 0; i < warmup + repeat; ++i) {
    work.done(i);
    for (const auto& layer : layers) layer->begin_step(i);
    reset_peak_memory();
    Profile profile(Profile::Keep::timeline);
    const auto begin = std::chrono::steady_clock::now();
    optimizer.zero_grad();
    lap(Phase::other, "zero gradients");
    {
      const SavedPrecision kept(train::saved_precision_of(*model));
      const Tensor loss = ops::cross_entropy((*model)(batch.images), batch.labels, recipe.label_smoothing);
      backward(loss);
    }
    // Small enough for hundreds of steps on one batch of noise.
    optimizer.step(1e-4);
    lap(Phase::update, "optimizer");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (i < warmup) continue;
    result.seconds.push_back(taken.count());
    result.peak_memory = std::max(result.peak_memory, memory_use().peak - memory_before);
    std::set<LayerCost*> seen;
    for (const Profile::LayerPart& part : profile.layer_parts()) {
      LayerCost& cost = costs.at(part.layer, part.part);
      if (seen.insert(&cost).second) cost.seconds.push_back(0);
      cost.seconds.back() += seconds_of(part);
      cost.bytes_in_use = part.bytes_in_use - memory_before;
    }
    for (const auto& [key, seconds] : others_of(profile)) {
      OtherCost& other = others[key];
      other.phase = key.first;
      other.operation = key.second;
      other.seconds.push_back(std::max(seconds, 0.0));
    }
    result.laps = profile.laps();
    result.parts = profile.layer_parts();
  }
  for (LayerCost& cost : costs.all()) {
    if (!cost.seconds.empty()) result.layers.push_back(std::move(cost));
  }
  for (auto& [key, other] : others) result.others.push_back(std::move(other));
  std::stable_sort(result.others.begin(), result.others.end(), [](const OtherCost& a, const OtherCost& b) {
    return median(a.seconds) > median(b.seconds);
  });
  result.peak = cpu::measure_peak();
  return result;
}

}  // namespace satsuma::tools
