#include "tools/satsuma/compare/plan.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/train/progress.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools::compare {

namespace {

std::string state_text(const PlannedRun& planned) {
  if (planned.state.finished()) return "done";
  if (planned.state.failed()) return "failed: " + planned.state.failure;
  std::string text = planned.state.epochs() > 0 ? fmt::format("{} of {} epochs done", planned.state.epochs(),
                                                              planned.run->recipe.epochs)
                                                : "to do";
  return planned.fits ? text : text + ", does not fit into the budget";
}

}  // namespace

std::vector<PlannedRun> make_plan(const std::vector<train::StudyRun>& runs, bool retry, double budget,
                                  Estimate& estimate) {
  std::vector<PlannedRun> plan;
  for (const train::StudyRun& run : runs) {
    check_same_settings(run);
    PlannedRun planned{&run, state_of(run)};
    if (retry) planned.state.failure.clear();
    estimate.learn(run, planned.state);
    plan.push_back(std::move(planned));
  }
  double sum = 0;
  for (PlannedRun& planned : plan) {
    if (planned.state.finished() || planned.state.failed()) continue;
    planned.seconds = estimate.left(*planned.run, planned.state);
    planned.fits = sum + planned.seconds <= budget;
    if (planned.fits) sum += planned.seconds;
  }
  return plan;
}

void print_plan(const std::vector<PlannedRun>& plan) {
  using Align = Table::Align;
  Table table({"variant", "seed", "time left", "state"},
              {Align::left, Align::right, Align::right, Align::left});
  for (const PlannedRun& planned : plan) {
    table.add({planned.run->variant->name, fmt::format("{}", planned.run->seed),
               planned.seconds > 0 ? train::format_duration(planned.seconds) : "-", state_text(planned)});
  }
  table.print();
}

std::string summary(const std::vector<PlannedRun>& plan) {
  std::size_t done = 0, failed = 0, out = 0;
  double seconds = 0;
  for (const PlannedRun& planned : plan) {
    done += planned.state.finished() ? 1 : 0;
    failed += planned.state.failed() ? 1 : 0;
    out += planned.fits ? 0 : 1;
    if (planned.fits) seconds += planned.seconds;
  }
  std::string text = fmt::format("{} run{}, {} done", plan.size(), plan.size() == 1 ? "" : "s", done);
  if (failed > 0) text += fmt::format(", {} failed", failed);
  if (done + failed + out < plan.size())
    text += fmt::format(", about {} left", train::format_duration(seconds));
  if (out > 0) text += fmt::format(", {} do not fit into the budget", out);
  return text;
}

}  // namespace satsuma::tools::compare
