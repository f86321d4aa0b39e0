#include "satsuma/sat/report.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "src/sat/sweep.hpp"

namespace satsuma::sat {

namespace {

constexpr Method kWeight = {
    .name = kWeightMethod, .summary = "N:M weights in forward", .ff_weight = OperandKind::packed};

Workload under(const Workload& dense, std::string_view method, Pattern pattern, Pattern wu) {
  Workload workload = dense;
  if (method.empty()) return workload;
  const MethodText text = method == kWeightMethod ? MethodText{&kWeight} : MethodText::parse(method);
  const Pattern own = text.pattern.value_or(pattern);
  apply(workload, {.method = text.method, .pattern = own, .wu = text.samples_wu ? own : wu});
  return workload;
}

std::int64_t cycles_without(const ReportRequest& request, std::string_view method,
                            const SchedulerOptions& options) {
  const Pattern wu = method == request.method ? request.wu : Pattern();
  return make_run(request.workload, method, request.pattern, wu, request.config, options)
      .timing.total()
      .cycles;
}

std::vector<Ablation> ablations_of(const ReportRequest& request) {
  std::vector<Ablation> ablations;
  const auto add = [&](const char* without, bool SchedulerOptions::*technique) {
    if (!(request.options.*technique)) return;
    SchedulerOptions options = request.options;
    options.*technique = false;
    ablations.push_back({without, cycles_without(request, request.method, options),
                         cycles_without(request, "dense", options)});
  };
  add("interleave mapping", &SchedulerOptions::interleave);
  add("pre-generation", &SchedulerOptions::pregeneration);
  add("offline scheduling", &SchedulerOptions::search);
  return ablations;
}

}  // namespace

Run make_run(const Workload& workload, std::string_view method, Pattern pattern, Pattern wu,
             const Config& config, const SchedulerOptions& options) {
  // Of the method where it has one of its own.
  const bool named = !method.empty() && method != kWeightMethod;
  const Pattern own = named ? MethodText::parse(method).pattern.value_or(pattern) : pattern;
  Run run{std::string(method), own, wu, config, under(workload, method, pattern, wu), {}, {}};
  run.schedule = make_schedule(config, run.workload, options);
  run.timing = simulate(config, run.workload, run.schedule);
  return run;
}

double Report::speedup_over(const Run& other) const {
  return static_cast<double>(other.timing.total().cycles) / static_cast<double>(run.timing.total().cycles);
}

Report make_report(const ReportRequest& request, const SweepProgress& progress) {
  Report report;
  report.options = request.options;
  if (request.schedule) {
    report.run = {request.method,
                  request.pattern,
                  request.wu,
                  request.config,
                  under(request.workload, request.method, request.pattern, request.wu),
                  *request.schedule,
                  {}};
    report.run.timing = simulate(report.run.config, report.run.workload, report.run.schedule);
  } else {
    report.run = make_run(request.workload, request.method, request.pattern, request.wu, request.config,
                          request.options);
  }
  for (const std::string& method : request.compare) {
    const bool known = method == request.method && !request.schedule;
    report.compared.push_back(
        known ? report.run
              : make_run(request.workload, method, request.pattern, {}, request.config, request.options));
  }
  if (request.ablations) report.ablations = ablations_of(request);
  if (!request.sweep.empty()) report.sweep = run_sweep(request, progress);
  return report;
}

}  // namespace satsuma::sat
