#include "tools/satsuma/compare/page.hpp"

#include <fmt/core.h>

#include "satsuma/train/progress.hpp"
#include "tools/satsuma/compare/scatter.hpp"
#include "tools/satsuma/compare/tables.hpp"
#include "tools/satsuma/page.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/xml.hpp"

namespace satsuma::tools::compare {

namespace {

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

/// Accuracy of each row against what `x` gives of it.
Scatter accuracy_against(const Results& results, const std::string& name, double (*x)(const Row&),
                         std::string (*text)(double), bool Row::*frontier) {
  Scatter scatter{"test accuracy against " + name, name, "test accuracy", text, percent};
  for (const Row& row : results.rows) {
    if (row.runs() == 0 || x(row) <= 0) continue;
    scatter.dots.push_back({row.variant->name, x(row), mean(row.accuracies), deviation(row.accuracies),
                            frontier != nullptr && row.*frontier});
  }
  return scatter;
}

Scatter against_seconds(const Results& results) {
  return accuracy_against(
      results, "wall time of training", [](const Row& row) { return row.seconds; }, train::format_duration,
      &Row::frontier_seconds);
}

std::string verdicts(const Results& results) {
  std::string text = "<ul>\n";
  for (const Row& row : results.rows) {
    if (&row != &results.rows.front() && row.runs() > 0)
      text += fmt::format("<li>{}: {}.</li>\n", escaped(row.variant->name), escaped(verdict(row)));
  }
  return text + "</ul>\n";
}

std::string headline(const Results& results) {
  const Row& base = results.rows.front();
  std::string text = "<div class=\"figures\">\n";
  if (base.runs() > 0) text += figure(percent(mean(base.accuracies)), base.variant->name);
  for (const Row& row : results.rows) {
    if (&row == &base || row.runs() == 0 || row.speedup <= 0 || !row.frontier_seconds) continue;
    text += figure(fmt::format("{:+.2f} points, {:.2f}x", 100 * row.difference.mean, row.speedup),
                   row.variant->name);
  }
  return text + "</div>\n";
}

}  // namespace

std::string html_page(const Results& results, const std::string& title) {
  std::string body = fmt::format("<h1>{}</h1>\n", escaped(title));
  body += headline(results);
  body += section("Accuracy, operations and time",
                  "Means over the seeds. Differences are in points, to the first row, paired by seed. " +
                      target_text(results),
                  table(heading(), cells(results)));
  body += section("What the seeds can tell", "Of each row beside the first.", verdicts(results));
  body += section(
      "Accuracy against wall time",
      "A bar is one deviation of a seed. Green rows are the frontier: none is as fast and more accurate.",
      against_seconds(results).svg());
  body +=
      section("Accuracy against operations", "Multiply-adds of convolutions and linear layers in training.",
              accuracy_against(
                  results, "multiply-adds of training", [](const Row& row) { return row.macs; }, short_count,
                  &Row::frontier_macs)
                  .svg());
  body += section(
      "Accuracy against time on SAT", "Modelled: the accelerator's default configuration.",
      accuracy_against(
          results, "modelled time of training", [](const Row& row) { return row.sat ? row.sat->seconds : 0; },
          train::format_duration, nullptr)
          .svg());
  body += section("Accuracy against energy on SAT", "Modelled, with assumed constants.",
                  accuracy_against(
                      results, "modelled energy of training",
                      [](const Row& row) { return row.sat ? row.sat->joules : 0; },
                      [](double joules) { return fmt::format("{:.3g} J", joules); }, nullptr)
                      .svg());
  return document({title, body});
}

std::string accuracy_picture(const Results& results) {
  const Scatter scatter = against_seconds(results);
  if (scatter.empty()) return {};
  Drawing drawing;
  scatter.draw(drawing);
  return drawing.file(Scatter::kWidth, Scatter::kHeight, scatter.label);
}

}  // namespace satsuma::tools::compare
