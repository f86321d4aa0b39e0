#include "tools/satsuma/bench_kernels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/kernel_report.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/plugin_flags.hpp"

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
  const MethodText method = MethodText::parse(settings.method);
  if (method.pattern)
    throw UsageError(fmt::format("--method got '{}', expected its pattern in --nm", settings.method));
  const std::shared_ptr<Device> device = find_device(settings.device);
  const std::vector<Pattern> patterns = settings.patterns();
  settings.bench.apply();
  const std::vector<KernelLayer> layers = pruned_layers(settings.bench.model, settings.method, patterns);
  if (peer_library().empty()) {
    throw Error(
        "this build has no oneDNN to compare with; install its development files (Debian: libdnnl-dev) and "
        "build anew");
  }
  check_plot(settings.plot);
  const KernelRace race = {method, patterns, settings.bench.batch_size, settings.bench.repeat,
                           settings.bench.warmup};
  KernelReport report = {settings.bench, settings.method, settings.device, patterns, {}, {}};
  LongWork work("bench kernels", "layers", static_cast<std::int64_t>(layers.size()));
  for (const KernelLayer& layer : layers) {
    for (KernelTiming& timing : time_layer(race, *device, layer)) report.timings.push_back(std::move(timing));
    work.one_more();
  }
  report.peak = cpu::measure_peak();
  if (!settings.plot.empty()) write_plot(report.plot(), settings.plot);
  if (settings.bench.json) {
    print_json(report.to_json());
  } else {
    report.print();
  }
  report_checks(settings.device);
  return 0;
}

}  // namespace

void add_bench_kernels(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  const Command command = bench.add_command(
      "kernels", "FF, BP and WU of each pruned layer: dense by oneDNN against N:M by a device");
  settings->bench.add_to(command, 9, 3);
  command
      .add_option("--method", settings->method,
                  "pruning method; `satsuma methods` lists them. NAME+wu samples dY in WU at --nm, too")
      .show_default();
  command.add_option("--device", settings->device, "whose kernels").show_default();
  settings->plugins.add_to(command);
  command
      .add_option("--patterns", settings->pattern_texts,
                  "several N:M beside one dense time, separated by commas, instead of --nm")
      .split_at_commas()
      .excludes(command.option("--nm"));
  command.add_option("--plot", settings->plot,
                     "writes a picture (SVG): ratio against density, and the roofline of the machine");
  command.footer(
      "Example: satsuma bench kernels --model resnet18 --batch-size 64 --nm 2:8\n"
      "         satsuma bench kernels --model resnet18 --patterns 1:2,2:4,1:4,2:8,1:8 --plot kernels.svg\n"
      "Layers of one geometry are measured once and counted as often as the model has them.");
  command.run([settings] { return run_kernels(*settings); });
}

}  // namespace satsuma::tools
