#include "tools/satsuma/trainee.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/profile.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/placement.hpp"
#include "satsuma/train/saved_precision.hpp"

namespace satsuma::tools {

FixedBatch random_batch(const Shape& image, std::int64_t classes, std::int64_t count) {
  Rng rng(0, 1);
  Tensor images = Tensor::empty({count, image[0], image[1], image[2]});
  for (float& value : std::span(images.data<float>(), static_cast<std::size_t>(images.numel())))
    value = rng.normal();
  Tensor labels = Tensor::empty({count}, DType::i64);
  for (auto& label : std::span(labels.data<std::int64_t>(), static_cast<std::size_t>(count))) {
    label = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(classes)));
  }
  return {images.to(MemoryFormat::batch_blocked), labels};
}

std::unique_ptr<optim::Optimizer> bench_optimizer(const nn::Module& model) {
  return std::make_unique<optim::Optimizer>(optim::find_optimizer("sgd"), model.parameters(),
                                            optim::Settings{.momentum = 0.9, .weight_decay = 5e-4});
}

std::shared_ptr<nn::Module> model_in_training(const BenchSettings& bench, const std::string& method,
                                              train::LayerOptions layers) {
  std::shared_ptr<nn::Module> model = bench.model.create();
  layers.pattern = Pattern::parse(bench.pattern);
  layers.set_method(method);
  train::configure_layers(*model, layers);
  model->train();
  return model;
}

Trainee::Trainee(const BenchSettings& bench, const std::string& device, const std::string& method,
                 const std::string& precision)
    : memory_before_(memory_use().in_use), device_(device), method_(method), precision_(precision) {
  train::LayerOptions layers;
  layers.operands = train::parse_precision(precision);
  layers.device = device;
  model_ = model_in_training(bench, method, std::move(layers));
  optimizer_ = bench_optimizer(*model_);
}

void Trainee::step(const FixedBatch& batch, bool keep) {
  const std::vector<Device*> devices = train::devices_of(*model_);
  for (Device* const device : devices) device->reset_counters();
  reset_peak_memory();
  const std::size_t others = memory_use().in_use - own_memory_;
  Profile profile;
  const auto begin = std::chrono::steady_clock::now();
  optimizer_->zero_grad();
  lap(Phase::update, "optimizer");
  const SavedPrecision kept(train::saved_precision_of(*model_));
  const Tensor loss = ops::cross_entropy((*model_)(batch.images), batch.labels);
  backward(loss);
  optimizer_->step(kBenchRate);
  for (Device* const device : devices) device->synchronize();
  lap(Phase::update, "optimizer");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;

  const MemoryUse memory = memory_use();
  if (own_memory_ == 0) own_memory_ = memory.in_use - memory_before_;
  if (!keep) return;
  // What other models hold meanwhile is not this one's.
  peak_ = std::max(peak_, memory.peak - others);
  seconds_.push_back(seconds.count());
  book(profile, devices);
}

std::string Trainee::name() const {
  return fmt::format("{} {}", method_, precision_);
}

std::vector<std::pair<std::string, double>> Trainee::shares() const {
  double sum = 0;
  for (const auto& [kind, nanoseconds] : nanoseconds_) sum += nanoseconds;
  std::vector<std::pair<std::string, double>> result;
  for (const auto& [kind, nanoseconds] : nanoseconds_) result.emplace_back(kind, nanoseconds / sum);
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return result;
}

void Trainee::book(const Profile& profile, const std::vector<Device*>& devices) {
  // One derivative does BP and WU of a layer: devices know how its time divides.
  double bp = 0;
  double wu = 0;
  macs_ = 0;
  for (const Device* const device : devices) {
    for (const Counters::PerPass& pass : device->counters().pass) macs_ += pass.macs;
    bp += static_cast<double>(device->counters()[Pass::bp].nanoseconds);
    wu += static_cast<double>(device->counters()[Pass::wu].nanoseconds);
  }
  const double bp_share = bp + wu > 0 ? bp / (bp + wu) : 0.5;
  for (const auto& [key, nanoseconds] : profile.nanoseconds()) {
    const auto time = static_cast<double>(nanoseconds);
    if (key.operation == "conv2d" || key.operation == "linear") {
      if (key.phase == Phase::forward) {
        nanoseconds_["contraction_ff"] += time;
      } else {
        nanoseconds_["contraction_bp"] += time * bp_share;
        nanoseconds_["contraction_wu"] += time * (1 - bp_share);
      }
    } else {
      nanoseconds_[std::string(key.operation)] += time;
    }
  }
}

}  // namespace satsuma::tools
