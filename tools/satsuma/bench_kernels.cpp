#include "tools/satsuma/bench_kernels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/train/placement.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/kernel_plot.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  BenchSettings bench;
  std::string method = "bdwp";
  std::string device = "cpu";
  PluginFlags plugins;
  std::vector<std::string> pattern_texts;  ///< of --patterns; empty: that of --nm
  std::string plot;

  std::vector<Pattern> patterns() const {
    if (pattern_texts.empty()) return {Pattern::parse(bench.pattern)};
    std::vector<Pattern> result;
    for (const std::string& text : pattern_texts) {
      const Pattern pattern = Pattern::parse(text);
      if (std::find(result.begin(), result.end(), pattern) == result.end()) result.push_back(pattern);
    }
    return result;
  }
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

/// Our kernel under one pattern: the dense one where the method leaves the pass dense.
struct Sparse {
  Pattern pattern;
  bool pruned = false;
  std::vector<double> seconds;
};

/// A pass of a layer. Seconds are those of each turn.
struct Result {
  const Case* layer = nullptr;
  Pass pass = Pass::ff;
  std::vector<double> peer;   ///< the best of its implementations
  std::vector<double> dense;  ///< our dense kernel
  std::vector<Sparse> sparse;
  std::string peer_description;

  double gflops(const std::vector<double>& seconds, std::int64_t batch) const {
    return 2e-9 *
           static_cast<double>(layer->geometry.dense_macs(layer->output[1], layer->output[2]) * batch) /
           median(seconds);
  }
  double ratio(const Sparse& ours) const { return median(peer) / median(ours.seconds); }
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
  // A layer counts when any of the patterns prunes it.
  std::set<const Contraction*> pruned;
  train::LayerOptions options;
  options.method = settings.method;
  for (const Pattern pattern : settings.patterns()) {
    options.pattern = pattern;
    train::configure_layers(*model, options);
    for (const Layer& layer : layers) {
      if (layer.contraction->sparse()) pruned.insert(layer.contraction.get());
    }
  }
  std::vector<Case> cases;
  for (const Layer& layer : layers) {
    if (!pruned.contains(layer.contraction.get())) continue;
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
    const std::string& model_name = settings.bench.model.model;
    const std::string pattern = to_string(settings.patterns().front());
    throw UsageError(
        fmt::format("{} has no layer that {} {} prunes; see satsuma info --model {} --method {} --nm {}",
                    model_name, settings.method, pattern, model_name, settings.method, pattern));
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
  OurPasses(Device& device, const Case& layer, std::int64_t batch, const std::vector<Pattern>& patterns)
      : device_(device), geometry_(layer.geometry) {
    const MemoryFormat format = device.activation_format();
    x_ = random_tensor({batch, layer.image[0], layer.image[1], layer.image[2]}, format, 1);
    y_ = random_tensor({batch, layer.output[0], layer.output[1], layer.output[2]}, format, 2);
    w_ = random_tensor(geometry_.weight_shape(), MemoryFormat::channels_last, 3);
    dw_ = Tensor::empty_like(w_);
    for (const Pattern pattern : patterns) {
      packed_ff_.push_back(device.compress(w_, GroupAxis::input_channels, pattern));
      packed_bp_.push_back(device.compress(w_, GroupAxis::output_channels, pattern));
    }
  }

  void run_dense(Pass pass) { run(pass, {.dense = &w_}); }
  /// FF or BP with the weight under the pattern of that number.
  void run_sparse(Pass pass, std::size_t number) {
    run(pass, {.packed = &(pass == Pass::ff ? packed_ff_ : packed_bp_)[number]});
  }

 private:
  void run(Pass pass, const WeightOperand& weight) {
    Tensor no_bias;
    if (pass == Pass::ff) {
      device_.forward(geometry_, x_, weight, {}, y_);
    } else if (pass == Pass::bp) {
      device_.backward_data(geometry_, y_, weight, x_);
    } else {
      device_.backward_weights(geometry_, x_, y_, dw_, no_bias);
    }
    device_.synchronize();
  }

  Device& device_;
  Geometry geometry_;
  Tensor x_, y_, w_, dw_;
  std::vector<PackedWeight> packed_ff_, packed_bp_;  ///< by pattern
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

void require_support(const Device& device, const Case& layer, Pass pass, Pattern pattern) {
  const Support support = device.supports({pass, layer.geometry, pattern, {}, DType::f32});
  if (!support)
    throw DeviceError(fmt::format("{} of '{}': {}", to_string(pass), layer.layer, support.reason));
}

Result measure(const Settings& settings, const Method& method, Device& device, OurPasses& ours,
               const Case& layer, Pass pass) {
  Result result;
  result.layer = &layer;
  result.pass = pass;
  const bool prunes = pass == Pass::ff ? method.ff_weight : pass == Pass::bp && method.bp_weight;
  const std::int64_t reduced = pass == Pass::ff ? layer.geometry.in_channels : layer.geometry.out_channels;
  const auto peers = dense_peers(layer.geometry, layer.image, settings.bench.batch_size, pass);
  std::vector<std::function<void()>> runs;
  for (const auto& peer : peers) runs.emplace_back([&peer] { peer->run(); });
  require_support(device, layer, pass, Pattern());
  runs.emplace_back([&] { ours.run_dense(pass); });
  const std::vector<Pattern> patterns = settings.patterns();
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    result.sparse.push_back({patterns[i], prunes && !patterns[i].dense() && reduced >= patterns[i].m, {}});
    if (!result.sparse.back().pruned) continue;
    require_support(device, layer, pass, patterns[i]);
    runs.emplace_back([&ours, pass, i] { ours.run_sparse(pass, i); });
  }
  const std::vector<std::vector<double>> seconds = race(runs, settings.bench.warmup, settings.bench.repeat);

  const auto best =
      std::min_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(peers.size()),
                       [](const auto& a, const auto& b) { return median(a) < median(b); });
  result.peer = *best;
  result.peer_description = peers[static_cast<std::size_t>(best - seconds.begin())]->description();
  result.dense = seconds[peers.size()];
  std::size_t next = peers.size();
  for (Sparse& sparse : result.sparse) sparse.seconds = sparse.pruned ? seconds[++next] : result.dense;
  return result;
}

/// Geometric mean of the ratios of a pass over all layers under the pattern of that number, each as often as
/// the model has it; 0 where there are none.
double mean_ratio(const std::vector<Result>& results, Pass pass, std::size_t number) {
  std::vector<double> ratios;
  for (const Result& result : results) {
    if (result.pass == pass)
      ratios.insert(ratios.end(), static_cast<std::size_t>(result.layer->count),
                    result.ratio(result.sparse[number]));
  }
  return geometric_mean(ratios);
}

Json to_json(const Settings& settings, const std::vector<Result>& results) {
  const std::int64_t batch = settings.bench.batch_size;
  Json layers = Json::array();
  for (const Result& result : results) {
    const Shape& output = result.layer->output;
    for (const Sparse& sparse : result.sparse) {
      layers.push_back({{"layer", result.layer->layer},
                        {"pass", to_string(result.pass)},
                        {"count", result.layer->count},
                        {"geometry", to_string(result.layer->geometry)},
                        {"output", std::vector<std::int64_t>(output.begin(), output.end())},
                        {"nm", to_string(sparse.pattern)},
                        {"pruned", sparse.pruned},
                        {"dense_gflops", result.gflops(result.peer, batch)},
                        {"own_dense_gflops", result.gflops(result.dense, batch)},
                        {"nm_gflops", result.gflops(sparse.seconds, batch)},
                        {"ratio", result.ratio(sparse)},
                        {"own_dense_time", spread(relative(result.dense, result.peer))},
                        {"nm_time", spread(relative(sparse.seconds, result.peer))},
                        {"dense_implementation", result.peer_description}});
    }
  }
  Json patterns = Json::array();
  for (std::size_t i = 0; i < settings.patterns().size(); ++i) {
    Json means = Json::object();
    for (const Pass pass : kPasses) means[to_string(pass)] = mean_ratio(results, pass, i);
    patterns.push_back({{"nm", to_string(settings.patterns()[i])}, {"geomean_ratio", means}});
  }
  Json object = settings.bench.work("kernels", settings.device);
  object["method"] = settings.method;
  object["dense_by"] = peer_library();
  object["machine"] = BenchSettings::machine();
  object["machine"]["onednn"] = peer_library();
  object["layers"] = layers;
  object["patterns"] = patterns;
  if (patterns.size() == 1) object.update(patterns.front());
  return object;
}

void print(const Settings& settings, const std::vector<Result>& results) {
  using enum Table::Align;
  const std::int64_t batch = settings.bench.batch_size;
  const std::vector<Pattern> patterns = settings.patterns();
  const bool one = patterns.size() == 1;
  fmt::print(
      "{}, batch {}, {} {}; {}\nGFLOP/s, counted as if dense. Dense is the fastest of what {} has.{}\n\n",
      settings.bench.model.model, batch, settings.method, one ? to_string(patterns.front()) : "",
      BenchSettings::machine_line(), peer_library(), one ? "" : " Patterns: times as fast as that.");
  std::vector<std::string> heading = {"layer", "weight", "output", "times", "pass", "dense", "own dense"};
  std::vector<Table::Align> columns = {left, left, left, right, left, right, right};
  for (const Pattern pattern : patterns) heading.push_back(to_string(pattern));
  if (one) heading.emplace_back("ratio");
  columns.resize(heading.size(), right);
  Table table(heading, columns);
  for (const Result& result : results) {
    std::vector<std::string> row = {result.layer->layer,
                                    fmt::format("{}", fmt::join(result.layer->geometry.weight_shape(), "x")),
                                    fmt::format("{}", fmt::join(result.layer->output, "x")),
                                    std::to_string(result.layer->count),
                                    std::string(to_string(result.pass)),
                                    fmt::format("{:.0f}", result.gflops(result.peer, batch)),
                                    fmt::format("{:.0f}", result.gflops(result.dense, batch))};
    for (const Sparse& sparse : result.sparse) {
      const std::string ratio = fmt::format("{:.2f}x", result.ratio(sparse));
      if (one)
        row.push_back(sparse.pruned ? fmt::format("{:.0f}", result.gflops(sparse.seconds, batch)) : "-");
      row.push_back(one || sparse.pruned ? ratio : "-");
    }
    table.add(row);
  }
  table.print();
  fmt::print("\nGeometric mean over all layers that are pruned:");
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!one) fmt::print("\n  {:>5}", to_string(patterns[i]));
    for (const Pass pass : kPasses) fmt::print(" {} {:.2f}x", to_string(pass), mean_ratio(results, pass, i));
  }
  fmt::print("{}A pass that stays dense compares our dense kernel.\n", one ? ". " : "\n");
}

/// The share of the multiply-adds of a layer whose input lies in the image and not in its padding.
double share_in_image(const Case& layer) {
  const Geometry& geometry = layer.geometry;
  double share = 1;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto axis = static_cast<int>(i) + 1;
    std::int64_t inside = 0;
    for (std::int64_t out = 0; out < layer.output[axis]; ++out) {
      for (std::int64_t tap = 0; tap < geometry.kernel[i]; ++tap) {
        const std::int64_t at = out * geometry.stride[i] - geometry.padding[i] + tap * geometry.dilation[i];
        inside += at >= 0 && at < layer.image[axis];
      }
    }
    share *= static_cast<double>(inside) / static_cast<double>(layer.output[axis] * geometry.kernel[i]);
  }
  return share;
}

/// What the picture needs to know of the results.
KernelPlot plot_of(const Settings& settings, const std::vector<Result>& results) {
  KernelPlot plot;
  plot.title = fmt::format("{}, batch {}, {}; {}", settings.bench.model.model, settings.bench.batch_size,
                           settings.method, BenchSettings::machine_line());
  const std::vector<Pattern> patterns = settings.patterns();
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    plot.curve.push_back({patterns[i], mean_ratio(results, Pass::ff, i), mean_ratio(results, Pass::bp, i)});
  }
  for (const Result& result : results) {
    const Case& layer = *result.layer;
    const auto batch = static_cast<double>(settings.bench.batch_size);
    const double flops = share_in_image(layer) * 1e9 *
                         result.gflops(result.dense, settings.bench.batch_size) * median(result.dense);
    // Each operand once: activations of both sides and the weight or its gradient.
    const double activations = 4 * batch *
                               static_cast<double>(layer.image[0] * layer.image[1] * layer.image[2] +
                                                   layer.output[0] * layer.output[1] * layer.output[2]);
    const Shape weight_shape = layer.geometry.weight_shape();
    double weight = 4;
    for (const std::int64_t size : weight_shape) weight *= static_cast<double>(size);
    plot.roofline.push_back({fmt::format("{} {} dense", layer.layer, to_string(result.pass)), result.pass,
                             false, flops / (activations + weight), 1e-9 * flops / median(result.dense)});
    const Sparse& sparse = result.sparse.front();
    if (!sparse.pruned) continue;
    const double density = static_cast<double>(sparse.pattern.n) / sparse.pattern.m;
    // A kept value has an index of a byte.
    plot.roofline.push_back(
        {fmt::format("{} {} {}", layer.layer, to_string(result.pass), to_string(sparse.pattern)), result.pass,
         true, density * flops / (activations + 1.25 * density * weight),
         1e-9 * density * flops / median(sparse.seconds)});
  }
  return plot;
}

/// Before the minutes of measurement rather than after them.
void check_plot(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || std::filesystem::is_directory(std::filesystem::absolute(path).parent_path(), ignored)) {
    return;
  }
  throw IoError(fmt::format("--plot got {}, whose folder does not exist; create it", path));
}

int run_kernels(const Settings& settings) {
  settings.plugins.load();
  const Method& method = find_method(settings.method);
  const std::shared_ptr<Device> device = find_device(settings.device);
  const std::vector<Pattern> patterns = settings.patterns();
  settings.bench.apply();
  const std::vector<Case> layers = eligible_layers(settings);
  if (peer_library().empty()) {
    throw Error(
        "this build has no oneDNN to compare with; install its development files (Debian: libdnnl-dev) and "
        "build anew");
  }
  check_plot(settings.plot);
  std::vector<Result> results;
  for (const Case& layer : layers) {
    OurPasses ours(*device, layer, settings.bench.batch_size, patterns);
    for (const Pass pass : kPasses) {
      if (pass == Pass::bp && !layer.has_bp) continue;
      results.push_back(measure(settings, method, *device, ours, layer, pass));
    }
  }
  if (!settings.plot.empty()) write_plot(plot_of(settings, results), settings.plot);
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
  settings->plugins.add_to(*command);
  command
      ->add_option("--patterns", settings->pattern_texts,
                   "several N:M beside one dense time, separated by commas, instead of --nm")
      ->delimiter(',')
      ->excludes(command->get_option("--nm"));
  command->add_option("--plot", settings->plot,
                      "writes a picture (SVG): ratio against density, and the roofline of the machine");
  command->footer(
      "Example: satsuma bench kernels --model resnet18 --batch-size 64 --nm 2:8\n"
      "         satsuma bench kernels --model resnet18 --patterns 1:2,2:4,1:4,2:8,1:8 --plot kernels.svg\n"
      "Layers of one geometry are measured once and counted as often as the model has them.");
  command->callback([settings, &run] { run = [settings] { return run_kernels(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
