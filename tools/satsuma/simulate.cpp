#include "tools/satsuma/simulate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/sat/report.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/nm_schedule.hpp"
#include "satsuma/train/stop_signal.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/model_settings.hpp"
#include "tools/satsuma/sat_config_flags.hpp"
#include "tools/satsuma/simulate/json.hpp"
#include "tools/satsuma/simulate/page.hpp"
#include "tools/satsuma/simulate/table.hpp"
#include "tools/satsuma/simulate/workload.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

constexpr std::int64_t kModelBatch = 512;

struct Settings {
  ModelSettings model;
  std::string gemm;
  std::string topology;
  std::optional<std::int64_t> batch;  ///< 512 for a model, 1 for the others where it is not given
  std::string method = "bdwp";
  std::string wu = "dense";
  std::string sparse = "none";
  std::string pattern = "2:8";
  std::vector<std::string> compare;
  SatConfigFlags config;
  bool ideal_memory = false;
  std::string objective = "cycles";
  std::string dataflow = "auto";
  bool no_interleave = false;
  bool no_pregeneration = false;
  bool no_schedule = false;
  bool ablations = false;
  std::string schedule;
  std::string save_schedule;
  std::vector<std::string> sweep;
  std::string json, csv, html, trace;
  bool show_config = false;
  std::optional<std::int64_t> threads;

  bool of_model() const { return gemm.empty() && topology.empty(); }
};

sat::Config config_of(const Settings& settings) {
  sat::Config config = settings.config.read();
  // As many outputs take turns as hide the latency, unless it is said otherwise.
  if (!settings.config.says("accumulator.interleave"))
    config.accumulator_interleave = config.accumulator_latency;
  return settings.ideal_memory ? sat::with_ideal_memory(config) : config;
}

sat::SchedulerOptions options_of(const Settings& settings) {
  sat::SchedulerOptions options;
  options.objective = settings.objective == "energy" ? sat::Objective::energy : sat::Objective::cycles;
  options.interleave = !settings.no_interleave;
  options.pregeneration = !settings.no_pregeneration;
  options.search = !settings.no_schedule;
  if (settings.dataflow == "ws") options.dataflow = sat::Dataflow::weight_stationary;
  if (settings.dataflow == "os") options.dataflow = sat::Dataflow::output_stationary;
  return options;
}

sat::Workload workload_of(const Settings& settings) {
  if (settings.of_model()) return workload_of(settings.model, settings.batch.value_or(kModelBatch));
  sat::Workload workload =
      settings.gemm.empty() ? sat::read_topology(settings.topology) : gemm_workload(settings.gemm);
  if (settings.batch) {
    for (sat::Layer& layer : workload.layers) layer.batch = *settings.batch;
  }
  return workload;
}

bool has_patterns(const sat::Workload& workload) {
  return std::any_of(workload.layers.begin(), workload.layers.end(),
                     [](const sat::Layer& layer) { return layer.plan[Pass::ff].weight.skips(); });
}

sat::ReportRequest request_of(const Settings& settings) {
  sat::ReportRequest request;
  request.workload = workload_of(settings);
  request.pattern = Pattern::parse(settings.pattern);
  request.config = config_of(settings);
  request.options = options_of(settings);
  if (settings.of_model()) {
    MethodText::parse(settings.method);
    request.method = settings.method;
    request.wu = train::parse_dense_or_pattern(settings.wu);
  } else if (settings.sparse == "weight") {
    request.method = sat::kWeightMethod;
  } else if (!has_patterns(request.workload)) {
    request.method = "dense";
  }
  if (!settings.schedule.empty()) request.schedule = sat::read_schedule(settings.schedule);
  for (const std::string& method : settings.compare) {
    MethodText::parse(method);
    request.compare.push_back(method);
  }
  if (settings.compare.empty() && request.method != "dense") request.compare = {"dense"};
  request.ablations = settings.ablations;
  for (const std::string& axis : settings.sweep) request.sweep.push_back(sat::SweepAxis::parse(axis));
  return request;
}

void check_use(const Settings& settings) {
  const int sources = static_cast<int>(!settings.model.model.empty()) +
                      static_cast<int>(!settings.gemm.empty()) + static_cast<int>(!settings.topology.empty());
  if (sources != 1)
    throw UsageError(fmt::format("got {} of --model, --gemm and --topology, expected one of them", sources));
  const std::vector<const std::string*> outputs = {&settings.json, &settings.csv, &settings.html,
                                                   &settings.trace, &settings.save_schedule};
  if (std::count_if(outputs.begin(), outputs.end(), [](const std::string* path) { return *path == "-"; }) > 1)
    throw UsageError("more than one output is '-', expected at most one on standard output");
  if (settings.batch && *settings.batch < 1)
    throw UsageError(fmt::format("--batch got {}, expected at least 1", *settings.batch));
}

/// Writes to a file, or to standard output for `-`.
void write_output(const std::string& path, const std::string& text) {
  if (path == "-") {
    fmt::print("{}", text);
  } else {
    train::write_atomically(path, text);
  }
}

int run_simulate(const Settings& settings) {
  check_use(settings);
  use_threads(settings.threads);
  const sat::ReportRequest request = request_of(settings);
  sat::Report report;
  int stopped = 0;
  if (request.sweep.empty()) {
    report = sat::make_report(request);
  } else {
    const train::StopSignal stop;
    std::optional<LongWork> work;
    // A signal ends the sweep.
    report = sat::make_report(request, [&](std::int64_t done, std::int64_t all) {
      if (!work) work.emplace("sweep", "points", all);
      work->done(done);
      return train::StopSignal::received() == 0;
    });
    stopped = train::StopSignal::received();
  }
  bool shown = false;
  const auto write = [&](const std::string& path, const auto& text) {
    if (path.empty()) return;
    write_output(path, text());
    shown = shown || path == "-";
  };
  write(settings.json, [&] { return to_text(to_json(report)); });
  write(settings.csv, [&] { return to_csv(report); });
  write(settings.html, [&] { return html_page(report); });
  write(settings.trace, [&] { return perfetto_trace(report); });
  write(settings.save_schedule, [&] { return sat::to_toml(report.run.schedule); });
  if (!shown) print_table(report, settings.show_config);
  return stopped != 0 ? 128 + stopped : 0;
}

}  // namespace

void add_simulate(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command(
      "simulate", "What the accelerator SAT takes for a training step: cycles, bytes, energy");
  settings->model.add_to(command);
  command.option("--model").required(false);
  command.add_option("--gemm", settings->gemm,
                     "instead of a model: a product M,K,N of output channels, reduction, pixels");
  command.add_option("--topology", settings->topology,
                     "instead of a model: layers from a SCALE-Sim CSV file");
  command.add_option("--batch", settings->batch, "images of a step [512; 1 for --gemm and --topology]");
  command
      .add_option("--method", settings->method,
                  "dense, sr-ste, sdgp, sdwp or bdwp; NAME+wu samples dY in WU at --nm, too; NAME@N:M has a "
                  "pattern of "
                  "its own")
      .show_default();
  command.add_option("--wu", settings->wu, "N:M of dY in WU, sampled along images, or dense").show_default();
  command
      .add_option("--sparse", settings->sparse,
                  "operand of --gemm and --topology that is N:M: none or weight")
      .show_default()
      .one_of({"none", "weight"});
  command.add_option("--nm", settings->pattern, "N:M or N:MxV of the pruned operands").show_default();
  command.add_option("--compare", settings->compare, "methods to compare with, separated by commas [dense]")
      .split_at_commas();
  settings->config.add_to(command);
  command.add_flag("--ideal-memory", settings->ideal_memory, "memory that never makes the array wait");
  command.add_option("--objective", settings->objective, "what schedules are searched for: cycles or energy")
      .show_default()
      .one_of({"cycles", "energy"});
  command.add_option("--dataflow", settings->dataflow, "of all passes: auto, ws or os")
      .show_default()
      .one_of({"auto", "ws", "os"});
  command.add_flag("--no-interleave", settings->no_interleave, "one output at a time in an accumulator");
  command.add_flag("--no-pregeneration", settings->no_pregeneration,
                   "FF and BP prune dense weights on the fly");
  command.add_flag("--no-schedule", settings->no_schedule,
                   "one dataflow, one loop order, the first tile that fits");
  command.add_flag("--ablations", settings->ablations,
                   "also without each of these three techniques, one at a time");
  command.add_option("--schedule", settings->schedule, "a schedule file instead of a search");
  command.add_option("--save-schedule", settings->save_schedule,
                     "writes the schedule, a TOML file that can be edited");
  command
      .add_option("--sweep", settings->sweep,
                  "KEY=VALUE,VALUE,... of the configuration, nm, batch or method; may be repeated, all "
                  "combinations run")
      .repeatable();
  command.add_option("--json", settings->json,
                     "writes all figures as JSON; - is standard output, here and below");
  command.add_option("--csv", settings->csv,
                     "writes a row for each layer and pass, or for each point of a sweep");
  command.add_option("--html", settings->html, "writes a page with pictures that needs nothing else");
  command.add_option("--trace", settings->trace, "writes the step for https://ui.perfetto.dev");
  command.add_flag("--show-config", settings->show_config,
                   "list every value of the configuration, and why it is so");
  command.add_option("--threads", settings->threads,
                     "threads that run a sweep [the least of cores, CPU quota and OMP_NUM_THREADS]");
  command.footer(
      "Example: satsuma simulate --model resnet18 --input 3x64x64 --batch 512 --compare "
      "dense,sr-ste,sdgp,sdwp\n"
      "         satsuma simulate --model resnet18 --sweep array.rows=16,32,64 --sweep nm=2:4,2:8,2:16\n"
      "         satsuma simulate --gemm 128,256,256 --dataflow ws --ideal-memory --set accumulator.latency=1 "
      "--json -");
  command.run([settings] { return run_simulate(*settings); });
}

}  // namespace satsuma::tools
