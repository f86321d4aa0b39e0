#include "tools/satsuma/bench_step.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/train/placement.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/peer_flags.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/step_report.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  BenchSettings bench;
  std::vector<std::string> methods = {"dense", "bdwp"};
  std::vector<std::string> precisions = {"fp32"};
  std::vector<std::string> devices = {"cpu"};
  PluginFlags plugins;
  PeerFlags peers;
};

/// `cpu,onednn` is two devices. A name with a colon is one, whose settings may hold commas.
std::vector<std::string> split_devices(const std::vector<std::string>& given) {
  std::vector<std::string> devices;
  for (const std::string& text : given) {
    const bool one = text.find(':') != std::string::npos;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = one ? text.size() : std::min(text.find(',', at), text.size());
      const std::string device = text.substr(at, end - at);
      if (std::find(devices.begin(), devices.end(), device) != devices.end())
        throw UsageError(fmt::format("--device got '{}' twice, expected each device once", device));
      find_device(device);
      devices.push_back(device);
      at = end + 1;
    }
  }
  return devices;
}

Peers start_peers(const Settings& settings) {
  Peers peers;
  for (const std::string& precision : settings.precisions) {
    Peers of_precision =
        settings.peers.start(settings.bench.model, settings.bench.batch_size, {{"precision", precision}});
    for (auto& peer : of_precision) {
      peer->seconds(std::max(settings.bench.warmup, 1));
      peers.push_back(std::move(peer));
    }
  }
  return peers;
}

/// One turn of everyone. Beside peers everyone has a pause before, in which the threads of the one before
/// stop waiting for work, and a step that does not count, as the caches hold the other's data.
void take_turns(const Trainees& trainees, const Peers& peers, const FixedBatch& batch) {
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
  settings.plugins.load();
  if (settings.methods.empty()) throw UsageError("--methods got nothing, expected names such as dense,bdwp");
  for (const std::string& method : settings.methods) train::LayerOptions().set_method(method);
  for (const std::string& precision : settings.precisions) train::parse_precision(precision);
  settings.peers.check(settings.bench.model);
  const auto& precisions = settings.precisions;
  if (!settings.peers.peer.empty() &&
      std::find(precisions.begin(), precisions.end(), "fp16") != precisions.end()) {
    throw UsageError(
        "--peer pytorch got --precision fp16, expected fp32 or bf16: PyTorch trains so on GPUs only");
  }
  settings.bench.apply();
  const std::vector<std::string> devices = split_devices(settings.devices);
  const models::Options options = settings.bench.model.options();
  const FixedBatch batch = random_batch(options.input, options.classes, settings.bench.batch_size);
  StepReport report = {settings.bench, devices, {}, start_peers(settings), {}};
  const int warmup = std::max(settings.bench.warmup, 1);
  const std::size_t models = settings.precisions.size() * settings.methods.size() * devices.size();
  LongWork work("bench step", "turns", static_cast<std::int64_t>(models) * warmup + settings.bench.repeat);
  for (const std::string& precision : settings.precisions) {
    for (const std::string& method : settings.methods) {
      for (const std::string& device : devices) {
        report.trainees.push_back(std::make_unique<Trainee>(settings.bench, device, method, precision));
        // Alone, so that what it keeps between steps can be told from the others'.
        for (int i = 0; i < warmup; ++i) {
          report.trainees.back()->step(batch, false);
          work.one_more();
        }
      }
    }
  }
  for (int i = 0; i < settings.bench.repeat; ++i) {
    take_turns(report.trainees, report.peers, batch);
    work.one_more();
  }
  report.peak = cpu::measure_peak();
  if (settings.bench.json) {
    print_json(report.to_json());
  } else {
    report.print();
  }
  for (const std::string& device : devices) report_checks(device);
  return 0;
}

}  // namespace

void add_bench_step(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      bench.add_command("step", "Whole training steps on a fixed batch of noise, by method");
  settings->bench.add_to(command, 10, 3);
  command
      .add_option("--methods", settings->methods,
                  "methods, separated by commas; the first is the base of ratios. NAME+wu samples dY in WU "
                  "at --nm, too; NAME@N:M has a pattern of its own")
      .split_at_commas()
      .show_default();
  command.add_option("--precision", settings->precisions, "fp32, bf16, fp16, or several: fp32,bf16")
      .split_at_commas()
      .show_default();
  command
      .add_option("--device", settings->devices,
                  "who runs the layers, or several in turns: cpu,onednn; one with settings has a --device of "
                  "its own")
      .repeatable()
      .show_default();
  command.add_flag("--recompute", settings->bench.model.recompute,
                   "blocks compute their activations again for the backward pass");
  settings->plugins.add_to(command);
  settings->peers.add_to(command);
  command.footer(
      "Example: satsuma bench step --model resnet18 --batch-size 64 --methods dense,bdwp\n"
      "         satsuma bench step --model resnet18 --methods dense,bdwp,bdwp+wu,bdwp+wu@2:8x2\n"
      "         satsuma bench step --model resnet18 --device cpu,onednn\n"
      "         satsuma bench step --model resnet18 --peer pytorch --peer-python /opt/torch/bin/python\n"
      "Peak memory is that of tensors and of what devices make of them; of a peer, the growth of its "
      "process.");
  command.run([settings] { return run_step(*settings); });
}

}  // namespace satsuma::tools
