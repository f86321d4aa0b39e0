#include "tools/satsuma/bench_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/profile.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/optim/sgd.hpp"
#include "satsuma/train/placement.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/torch_peer.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  BenchSettings bench;
  std::vector<std::string> methods = {"dense", "bdwp"};
  std::vector<std::string> precisions = {"fp32"};
  std::string device = "cpu";
  std::string peer;
  std::vector<std::string> pythons;
};

struct Batch {
  Tensor images;
  Tensor labels;
};

Batch random_batch(const Shape& image, std::int64_t classes, std::int64_t count) {
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

/// One model in training under one method. Seconds, memory and time by kind of operation are collected step
/// by step.
class Trainee {
 public:
  Trainee(const Settings& settings, const std::string& method, const std::string& precision)
      : memory_before_(memory_use().in_use),
        method_(method),
        precision_(precision),
        model_(settings.bench.model.create()) {
    train::LayerOptions layers;
    layers.method = method;
    layers.pattern = Pattern::parse(settings.bench.pattern);
    layers.operands = train::parse_precision(precision);
    layers.device = settings.device;
    train::configure_layers(*model_, layers);
    model_->train();
    optimizer_ =
        std::make_unique<optim::Sgd>(model_->parameters(), SgdStep{.momentum = 0.9, .weight_decay = 5e-4});
  }

  /// A whole training step. The learning rate is small enough for hundreds of steps on one batch of noise.
  void step(const Batch& batch, bool keep) {
    const std::vector<Device*> devices = train::devices_of(*model_);
    for (Device* const device : devices) device->reset_counters();
    reset_peak_memory();
    const std::size_t others = memory_use().in_use - own_memory_;
    Profile profile;
    const auto begin = std::chrono::steady_clock::now();
    optimizer_->zero_grad();
    lap(Phase::update, "optimizer");
    const Tensor loss = ops::cross_entropy((*model_)(batch.images), batch.labels);
    backward(loss);
    optimizer_->step(1e-4);
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

  const std::string& method() const { return method_; }
  const std::string& precision() const { return precision_; }
  std::string name() const { return fmt::format("{} {}", method_, precision_); }
  const std::vector<double>& seconds() const { return seconds_; }
  std::size_t peak_memory() const { return peak_; }

  /// Share of the step by kind of operation, largest first.
  std::vector<std::pair<std::string, double>> shares() const {
    double sum = 0;
    for (const auto& [kind, nanoseconds] : nanoseconds_) sum += nanoseconds;
    std::vector<std::pair<std::string, double>> result;
    for (const auto& [kind, nanoseconds] : nanoseconds_) result.emplace_back(kind, nanoseconds / sum);
    std::stable_sort(result.begin(), result.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return result;
  }

 private:
  void book(const Profile& profile, const std::vector<Device*>& devices) {
    // One derivative does BP and WU of a layer: devices know how its time divides.
    double bp = 0;
    double wu = 0;
    for (const Device* const device : devices) {
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

  std::size_t memory_before_;
  std::string method_;
  std::string precision_;
  std::shared_ptr<nn::Module> model_;
  std::unique_ptr<optim::Sgd> optimizer_;
  std::vector<double> seconds_;
  std::size_t own_memory_ = 0;  ///< between steps
  std::size_t peak_ = 0;
  std::map<std::string, double> nanoseconds_;
};

using Trainees = std::vector<std::unique_ptr<Trainee>>;
using Peers = std::vector<std::unique_ptr<TorchPeer>>;

/// The fastest peer of a precision; none is null.
const TorchPeer* best_peer(const Peers& peers, const std::string& precision) {
  const TorchPeer* best = nullptr;
  for (const auto& peer : peers) {
    if (peer->precision() != precision) continue;
    if (!best || median(peer->turns()) < median(best->turns())) best = peer.get();
  }
  return best;
}

/// How many times faster ours was, turn by turn.
std::vector<double> peer_ratios(const TorchPeer& peer, const Trainee& trainee) {
  std::vector<double> ratios(peer.turns().size());
  std::transform(peer.turns().begin(), peer.turns().end(), trainee.seconds().begin(), ratios.begin(),
                 std::divides<>());
  return ratios;
}

Json to_json(const Settings& settings, const Trainees& trainees, const Peers& peers) {
  Json results = Json::array();
  for (const auto& trainee : trainees) {
    const std::vector<double>& seconds = trainee->seconds();
    Json share = Json::object();
    for (const auto& [kind, value] : trainee->shares()) share[kind] = value;
    const double middle = median(seconds);
    results.push_back({{"method", trainee->method()},
                       {"precision", trainee->precision()},
                       {"seconds_median", middle},
                       {"seconds_quartiles", {quantile(seconds, 0.25), quantile(seconds, 0.75)}},
                       {"seconds_min", *std::min_element(seconds.begin(), seconds.end())},
                       {"seconds_max", *std::max_element(seconds.begin(), seconds.end())},
                       {"images_per_second", static_cast<double>(settings.bench.batch_size) / middle},
                       {"peak_memory_bytes", trainee->peak_memory()},
                       {"share", share}});
    if (const TorchPeer* const best = best_peer(peers, trainee->precision())) {
      Json ratio = spread(peer_ratios(*best, *trainee));
      ratio["over"] = best->name();
      results.back()["peer_ratio"] = ratio;
    }
  }
  Json object = settings.bench.work("step", settings.device);
  object["nm"] = settings.bench.pattern;
  object["machine"] = BenchSettings::machine();
  object["results"] = results;
  if (!peers.empty()) object["peers"] = Json::array();
  for (const auto& peer : peers) object["peers"].push_back(peer->to_json());
  return object;
}

void print_peers(const Trainees& trainees, const Peers& peers) {
  using enum Table::Align;
  Table table({"peer", "precision", "ms a step", "quartiles"}, {left, left, right, right});
  for (const auto& peer : peers) {
    const std::vector<double>& seconds = peer->turns();
    table.add(
        {peer->name(), peer->precision(), fmt::format("{:.1f}", 1e3 * median(seconds)),
         fmt::format("{:.1f} to {:.1f}", 1e3 * quantile(seconds, 0.25), 1e3 * quantile(seconds, 0.75))});
  }
  fmt::print("\n");
  table.print();
  fmt::print("\n");
  for (const auto& trainee : trainees) {
    const TorchPeer* const best = best_peer(peers, trainee->precision());
    if (!best) continue;
    const std::vector<double> ratios = peer_ratios(*best, *trainee);
    const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
    fmt::print("{} {}: {:.2f}x ({:.2f} to {:.2f}) as fast as {}\n", trainee->method(), trainee->precision(),
               median(ratios), *least, *greatest, best->name());
  }
}

void print(const Settings& settings, const Trainees& trainees, const Peers& peers) {
  using enum Table::Align;
  fmt::print(
      "{}, batch {}, {}; {}\nOne training step: forward, loss, backward, SGD. {} steps of each, in "
      "turns.\n\n",
      settings.bench.model.model, settings.bench.batch_size, settings.bench.pattern,
      BenchSettings::machine_line(), settings.bench.repeat);
  Table table({"method", "ms a step", "quartiles", "images/s", "peak memory", "ratio"},
              {left, right, right, right, right, right});
  const double first = median(trainees.front()->seconds());
  for (const auto& trainee : trainees) {
    const std::vector<double>& seconds = trainee->seconds();
    const double middle = median(seconds);
    table.add({trainee->name(), fmt::format("{:.1f}", 1e3 * middle),
               fmt::format("{:.1f} to {:.1f}", 1e3 * quantile(seconds, 0.25), 1e3 * quantile(seconds, 0.75)),
               fmt::format("{:.1f}", static_cast<double>(settings.bench.batch_size) / middle),
               short_bytes(trainee->peak_memory()), fmt::format("{:.2f}x", first / middle)});
  }
  table.print();
  if (!peers.empty()) print_peers(trainees, peers);
  for (const auto& trainee : trainees) {
    fmt::print("\n{}\n", trainee->name());
    for (const auto& [kind, share] : trainee->shares()) fmt::print("  {:<18} {:5.1f} %\n", kind, 100 * share);
  }
}

void check_peer(const Settings& settings) {
  if (!settings.peer.empty() && settings.peer != "pytorch") {
    throw UsageError(unknown_name("peer", settings.peer, {"pytorch"}));
  }
  if (settings.peer.empty() && !settings.pythons.empty()) {
    throw UsageError("--peer-python got a Python and no --peer; add --peer pytorch");
  }
  const auto& precisions = settings.precisions;
  if (!settings.peer.empty() && std::find(precisions.begin(), precisions.end(), "fp16") != precisions.end()) {
    throw UsageError(
        "--peer pytorch got --precision fp16, expected fp32 or bf16: PyTorch trains so on GPUs only");
  }
  const ModelSettings& model = settings.bench.model;
  if (!settings.peer.empty() && (model.width != 1 || model.stem != "cifar")) {
    throw UsageError(fmt::format(
        "--peer pytorch got --stem {} --width {}, expected the models it has: --stem cifar --width 1",
        model.stem, model.width));
  }
}

Peers start_peers(const Settings& settings) {
  Peers peers;
  if (settings.peer.empty()) return peers;
  const models::Options options = settings.bench.model.options();
  Json config = {{"model", settings.bench.model.model},
                 {"input", std::vector<std::int64_t>(options.input.begin(), options.input.end())},
                 {"classes", options.classes},
                 {"batch_size", settings.bench.batch_size},
                 {"threads", threads()}};
  const std::vector<std::string> pythons =
      settings.pythons.empty() ? std::vector<std::string>{"python3"} : settings.pythons;
  for (const std::string& python : pythons) {
    for (const std::string& precision : settings.precisions) {
      for (const char* const format : {"nchw", "channels_last"}) {
        config["format"] = format;
        config["precision"] = precision;
        peers.push_back(std::make_unique<TorchPeer>(python, config));
        peers.back()->seconds(std::max(settings.bench.warmup, 1));
      }
    }
  }
  return peers;
}

/// One turn of everyone. Beside peers everyone has a pause before, in which the threads of the one before
/// stop waiting for work, and a step that does not count, as the caches hold the other's data.
void take_turns(const Trainees& trainees, const Peers& peers, const Batch& batch) {
  const auto settle = [&] {
    if (!peers.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  };
  for (const auto& peer : peers) {
    settle();
    peer->take_turn();
  }
  settle();
  for (const auto& trainee : trainees) {
    if (!peers.empty()) trainee->step(batch, false);
    trainee->step(batch, true);
  }
}

int run_step(const Settings& settings) {
  if (settings.methods.empty()) throw UsageError("--methods got nothing, expected names such as dense,bdwp");
  for (const std::string& method : settings.methods) find_method(method);
  for (const std::string& precision : settings.precisions) train::parse_precision(precision);
  check_peer(settings);
  settings.bench.apply();
  const models::Options options = settings.bench.model.options();
  const Batch batch = random_batch(options.input, options.classes, settings.bench.batch_size);
  const Peers peers = start_peers(settings);
  Trainees trainees;
  for (const std::string& precision : settings.precisions) {
    for (const std::string& method : settings.methods) {
      trainees.push_back(std::make_unique<Trainee>(settings, method, precision));
      // Alone, so that what it keeps between steps can be told from the others'.
      for (int i = 0; i < std::max(settings.bench.warmup, 1); ++i) trainees.back()->step(batch, false);
    }
  }
  for (int i = 0; i < settings.bench.repeat; ++i) take_turns(trainees, peers, batch);
  if (settings.bench.json) {
    print_json(to_json(settings, trainees, peers));
  } else {
    print(settings, trainees, peers);
  }
  return 0;
}

}  // namespace

CLI::App* add_bench_step(CLI::App& bench, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command =
      bench.add_subcommand("step", "Whole training steps on a fixed batch of noise, by method");
  settings->bench.add_to(*command, 10, 3);
  command
      ->add_option("--methods", settings->methods,
                   "methods, separated by commas; the first is the base of ratios")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--precision", settings->precisions, "fp32, bf16, fp16, or several: fp32,bf16")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--device", settings->device, "who runs the layers")->capture_default_str();
  command->add_option("--peer", settings->peer, "another framework in turns with ours: pytorch");
  command
      ->add_option("--peer-python", settings->pythons,
                   "a Python with torch and torchvision [python3]; may be repeated")
      ->allow_extra_args(false);
  command->footer(
      "Example: satsuma bench step --model resnet18 --batch-size 64 --methods dense,bdwp\n"
      "         satsuma bench step --model resnet18 --peer pytorch --peer-python /opt/torch/bin/python\n"
      "Peak memory is that of tensors and of what devices make of them.");
  command->callback([settings, &run] { run = [settings] { return run_step(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
