#include "tools/satsuma/bench_kernels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/train/placement.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  BenchSettings bench;
  std::string method = "bdwp";
  std::string device = "cpu";
};

constexpr std::array kPasses = {Pass::ff, Pass::bp, Pass::wu};

/// Layers of one geometry and size, named by the first.
struct Case {
  std::string layer;
  int count = 1;
  Geometry geometry;
  Shape image;   ///< [C, H, W]
  Shape output;  ///< [K, P, Q]
  bool has_bp = true;
};

struct Result {
  const Case* layer = nullptr;
  Pass pass = Pass::ff;
  // Seconds of each turn: of the best peer, of our dense kernel, and of our N:M kernel (of the dense one
  // where the method leaves the pass dense).
  std::vector<double> peer, dense, nm;
  bool pruned = false;
  std::string peer_description;

  double gflops(const std::vector<double>& seconds, std::int64_t batch) const {
    return 2e-9 *
           static_cast<double>(layer->geometry.dense_macs(layer->output[1], layer->output[2]) * batch) /
           median(seconds);
  }
  double ratio() const { return median(peer) / median(nm); }
};

/// What `ours` takes in each turn, in units of what the peer took beside it.
std::vector<double> relative(const std::vector<double>& ours, const std::vector<double>& peer) {
  std::vector<double> result(ours.size());
  std::transform(ours.begin(), ours.end(), peer.begin(), result.begin(), std::divides<>());
  return result;
}

/// The largest image that gives this output: what even sizes and strides of 2 come from.
Shape image_of(const Geometry& geometry, const Shape& output) {
  Shape image = {geometry.in_channels};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t steps = output[static_cast<int>(i) + 1] * geometry.stride[i] - 1;
    image.push_back(steps + geometry.dilation[i] * (geometry.kernel[i] - 1) + 1 - 2 * geometry.padding[i]);
  }
  return image;
}

std::vector<Case> eligible_layers(const Settings& settings) {
  const std::shared_ptr<nn::Module> model = settings.bench.model.create();
  const std::vector<Layer> layers = trace_layers(*model, settings.bench.model.options().input);
  train::LayerOptions options;
  options.method = settings.method;
  options.pattern = Pattern::parse(settings.bench.pattern);
  train::configure_layers(*model, options);
  std::vector<Case> cases;
  for (const Layer& layer : layers) {
    if (!layer.contraction->sparse()) continue;
    const auto same = std::find_if(cases.begin(), cases.end(), [&](const Case& c) {
      return c.geometry == layer.contraction->geometry() && c.output == layer.output &&
             c.has_bp == layer.has_bp;
    });
    if (same != cases.end()) {
      ++same->count;
      continue;
    }
    const Geometry& geometry = layer.contraction->geometry();
    cases.push_back({layer.contraction->name(), 1, geometry, image_of(geometry, layer.output), layer.output,
                     layer.has_bp});
  }
  if (cases.empty()) {
    throw UsageError(
        fmt::format("{} has no layer that {} {} prunes; see satsuma info --model {} --method {} --nm {}",
                    settings.bench.model.model, settings.method, settings.bench.pattern,
                    settings.bench.model.model, settings.method, settings.bench.pattern));
  }
  return cases;
}

Tensor random_tensor(const Shape& shape, MemoryFormat format, std::uint64_t stream) {
  Rng rng(0, stream);
  Tensor values = Tensor::empty(shape);
  for (float& value : std::span(values.data<float>(), static_cast<std::size_t>(values.numel())))
    value = rng.uniform() - 0.5F;
  return values.to(format);
}

/// Our device's passes of a layer, with operands of their own.
class OurPasses {
 public:
  OurPasses(Device& device, const Case& layer, std::int64_t batch, Pattern pattern)
      : device_(device), geometry_(layer.geometry) {
    const MemoryFormat format = device.activation_format();
    x_ = random_tensor({batch, layer.image[0], layer.image[1], layer.image[2]}, format, 1);
    y_ = random_tensor({batch, layer.output[0], layer.output[1], layer.output[2]}, format, 2);
    w_ = random_tensor(geometry_.weight_shape(), MemoryFormat::channels_last, 3);
    dw_ = Tensor::empty_like(w_);
    packed_ff_ = device.compress(w_, GroupAxis::input_channels, pattern);
    packed_bp_ = device.compress(w_, GroupAxis::output_channels, pattern);
  }

  void run(Pass pass, bool sparse) {
    Tensor no_bias;
    if (pass == Pass::ff) {
      device_.forward(geometry_, x_,
                      sparse ? WeightOperand{.packed = &packed_ff_} : WeightOperand{.dense = &w_}, {}, y_);
    } else if (pass == Pass::bp) {
      device_.backward_data(geometry_, y_,
                            sparse ? WeightOperand{.packed = &packed_bp_} : WeightOperand{.dense = &w_}, x_);
    } else {
      device_.backward_weights(geometry_, x_, y_, dw_, no_bias);
    }
    device_.synchronize();
  }

 private:
  Device& device_;
  Geometry geometry_;
  Tensor x_, y_, w_, dw_;
  PackedWeight packed_ff_, packed_bp_;
};

double seconds_of(const std::function<void()>& run, int calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / calls;
}

/// Seconds of each of `runs`, warmed up and then measured in turns. A run of microseconds is repeated
/// until the clock and the start of threads no longer matter.
std::vector<std::vector<double>> race(const std::vector<std::function<void()>>& runs, int warmup,
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

Result measure(const Settings& settings, const Method& method, Device& device, OurPasses& ours,
               const Case& layer, Pass pass) {
  Result result;
  result.layer = &layer;
  result.pass = pass;
  const Pattern pattern = Pattern::parse(settings.bench.pattern);
  const bool pruned = pass == Pass::ff ? method.ff_weight : pass == Pass::bp && method.bp_weight;
  const std::int64_t reduced = pass == Pass::ff ? layer.geometry.in_channels : layer.geometry.out_channels;
  result.pruned = pruned && reduced >= pattern.m;
  for (const bool sparse : {false, true}) {
    const Support support = device.supports(
        {pass, layer.geometry, sparse && result.pruned ? pattern : Pattern(), {}, DType::f32});
    if (!support)
      throw DeviceError(fmt::format("{} of '{}': {}", to_string(pass), layer.layer, support.reason));
  }

  const auto peers = dense_peers(layer.geometry, layer.image, settings.bench.batch_size, pass);
  std::vector<std::function<void()>> runs;
  for (const auto& peer : peers) runs.emplace_back([&peer] { peer->run(); });
  runs.emplace_back([&] { ours.run(pass, false); });
  if (result.pruned) runs.emplace_back([&] { ours.run(pass, true); });
  const std::vector<std::vector<double>> seconds = race(runs, settings.bench.warmup, settings.bench.repeat);

  const auto best =
      std::min_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(peers.size()),
                       [](const auto& a, const auto& b) { return median(a) < median(b); });
  result.peer = *best;
  result.peer_description = peers[static_cast<std::size_t>(best - seconds.begin())]->description();
  result.dense = seconds[peers.size()];
  result.nm = seconds.back();
  return result;
}

/// Geometric mean of the ratios of a pass over all layers, each as often as the model has it; 0 where there
/// are none.
double mean_ratio(const std::vector<Result>& results, Pass pass) {
  std::vector<double> ratios;
  for (const Result& result : results) {
    if (result.pass == pass)
      ratios.insert(ratios.end(), static_cast<std::size_t>(result.layer->count), result.ratio());
  }
  return geometric_mean(ratios);
}

Json to_json(const Settings& settings, const std::vector<Result>& results) {
  const std::int64_t batch = settings.bench.batch_size;
  Json layers = Json::array();
  for (const Result& result : results) {
    layers.push_back(
        {{"layer", result.layer->layer},
         {"pass", to_string(result.pass)},
         {"count", result.layer->count},
         {"geometry", to_string(result.layer->geometry)},
         {"output", std::vector<std::int64_t>(result.layer->output.begin(), result.layer->output.end())},
         {"nm", settings.bench.pattern},
         {"pruned", result.pruned},
         {"dense_gflops", result.gflops(result.peer, batch)},
         {"own_dense_gflops", result.gflops(result.dense, batch)},
         {"nm_gflops", result.gflops(result.nm, batch)},
         {"ratio", result.ratio()},
         {"own_dense_time", spread(relative(result.dense, result.peer))},
         {"nm_time", spread(relative(result.nm, result.peer))},
         {"dense_implementation", result.peer_description}});
  }
  Json means = Json::object();
  for (const Pass pass : kPasses) means[to_string(pass)] = mean_ratio(results, pass);
  Json object = settings.bench.work("kernels", settings.device);
  object["method"] = settings.method;
  object["nm"] = settings.bench.pattern;
  object["dense_by"] = peer_library();
  object["machine"] = BenchSettings::machine();
  object["machine"]["onednn"] = peer_library();
  object["layers"] = layers;
  object["geomean_ratio"] = means;
  return object;
}

void print(const Settings& settings, const std::vector<Result>& results) {
  using enum Table::Align;
  const std::int64_t batch = settings.bench.batch_size;
  fmt::print(
      "{}, batch {}, {} {}; {}\nGFLOP/s, counted as if dense. Dense is the fastest of what {} has.\n\n",
      settings.bench.model.model, batch, settings.method, settings.bench.pattern,
      BenchSettings::machine_line(), peer_library());
  Table table(
      {"layer", "weight", "output", "times", "pass", "dense", "own dense", settings.bench.pattern, "ratio"},
      {left, left, left, right, left, right, right, right, right});
  for (const Result& result : results) {
    table.add({result.layer->layer, fmt::format("{}", fmt::join(result.layer->geometry.weight_shape(), "x")),
               fmt::format("{}", fmt::join(result.layer->output, "x")), std::to_string(result.layer->count),
               std::string(to_string(result.pass)), fmt::format("{:.0f}", result.gflops(result.peer, batch)),
               fmt::format("{:.0f}", result.gflops(result.dense, batch)),
               result.pruned ? fmt::format("{:.0f}", result.gflops(result.nm, batch)) : "-",
               fmt::format("{:.2f}x", result.ratio())});
  }
  table.print();
  fmt::print("\nGeometric mean over all layers that are pruned:");
  for (const Pass pass : kPasses) fmt::print(" {} {:.2f}x", to_string(pass), mean_ratio(results, pass));
  fmt::print(". A pass that stays dense compares our dense kernel.\n");
}

int run_kernels(const Settings& settings) {
  const Method& method = find_method(settings.method);
  const std::shared_ptr<Device> device = find_device(settings.device);
  const Pattern pattern = Pattern::parse(settings.bench.pattern);
  settings.bench.apply();
  const std::vector<Case> layers = eligible_layers(settings);
  if (peer_library().empty()) {
    throw Error(
        "this build has no oneDNN to compare with; install its development files (Debian: libdnnl-dev) and "
        "build anew");
  }
  std::vector<Result> results;
  for (const Case& layer : layers) {
    OurPasses ours(*device, layer, settings.bench.batch_size, pattern);
    for (const Pass pass : kPasses) {
      if (pass == Pass::bp && !layer.has_bp) continue;
      results.push_back(measure(settings, method, *device, ours, layer, pass));
    }
  }
  if (settings.bench.json) {
    print_json(to_json(settings, results));
  } else {
    print(settings, results);
  }
  return 0;
}

}  // namespace

CLI::App* add_bench_kernels(CLI::App& bench, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command = bench.add_subcommand(
      "kernels", "FF, BP and WU of each pruned layer: dense by oneDNN against N:M by a device");
  settings->bench.add_to(*command, 9, 3);
  command->add_option("--method", settings->method, "pruning method; `satsuma methods` lists them")
      ->capture_default_str();
  command->add_option("--device", settings->device, "whose kernels")->capture_default_str();
  command->footer(
      "Example: satsuma bench kernels --model resnet18 --batch-size 64 --nm 2:8\n"
      "Layers of one geometry are measured once and counted as often as the model has them.");
  command->callback([settings, &run] { run = [settings] { return run_kernels(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
