#include "tools/satsuma/compare/results.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace satsuma::tools::compare {

namespace {

/// Seconds of training after which the accuracy first was `target`; empty if it never was.
std::optional<double> seconds_to(double target, const std::vector<EpochRecord>& epochs) {
  for (const EpochRecord& epoch : epochs) {
    if (epoch.accuracy && *epoch.accuracy >= target) return epoch.seconds;
  }
  return std::nullopt;
}

Interval paired(const Row& row, const Row& base) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < row.seeds.size(); ++i) {
    const auto same = std::find(base.seeds.begin(), base.seeds.end(), row.seeds[i]);
    if (same == base.seeds.end()) continue;
    differences.push_back(row.accuracies[i] -
                          base.accuracies[static_cast<std::size_t>(same - base.seeds.begin())]);
  }
  return interval(differences);
}

/// Marks the rows than which no other is both cheaper, or as cheap, and more accurate.
void mark_frontier(std::vector<Row>& rows, double Row::*cost, bool Row::*mark) {
  for (Row& row : rows) {
    row.*mark =
        row.runs() > 0 && std::none_of(rows.begin(), rows.end(), [&](const Row& other) {
          if (&other == &row || other.runs() == 0) return false;
          const double ours = mean(row.accuracies);
          const double theirs = mean(other.accuracies);
          return other.*cost <= row.*cost && theirs >= ours && (other.*cost < row.*cost || theirs > ours);
        });
  }
}

}  // namespace

Results gather(const train::Study& study, const std::vector<train::StudyRun>& runs, double margin) {
  Results results;
  results.margin = margin;
  std::vector<std::vector<std::vector<EpochRecord>>> epochs(study.variants.size());
  for (std::size_t i = 0; i < study.variants.size(); ++i) {
    Row row;
    row.variant = &study.variants[i];
    for (const train::StudyRun& run : runs) {
      if (run.variant != row.variant) continue;
      const RunState state = state_of(run);
      if (!state.finished()) {
        ++(state.failed() ? row.failed : row.missing);
        continue;
      }
      row.seeds.push_back(run.seed);
      row.accuracies.push_back(number(*state.result, "test_accuracy"));
      row.macs += number(*state.result, "macs");
      row.seconds += number(*state.result, "seconds");
      if (!row.sat) row.sat = simulate_training(run.recipe, *state.result);
      epochs[i].push_back(state.log);
    }
    if (const auto count = static_cast<double>(row.runs()); count > 0) {
      row.macs /= count;
      row.seconds /= count;
    }
    results.rows.push_back(std::move(row));
  }

  const Row base = results.rows.front();
  std::vector<double> finals;
  for (const auto& run : epochs.front()) {
    if (!run.empty() && run.back().accuracy) finals.push_back(*run.back().accuracy);
  }
  if (!finals.empty()) results.target = mean(finals) - margin;
  for (std::size_t i = 0; i < results.rows.size(); ++i) {
    Row& row = results.rows[i];
    row.difference = paired(row, base);
    if (row.seconds > 0) row.speedup = base.seconds / row.seconds;
    std::vector<double> times;
    for (const auto& run : epochs[i]) {
      if (!results.target) break;
      if (const auto time = seconds_to(*results.target, run)) times.push_back(*time);
    }
    row.reached = times.size();
    if (!times.empty()) row.seconds_to_target = mean(times);
  }
  mark_frontier(results.rows, &Row::macs, &Row::frontier_macs);
  mark_frontier(results.rows, &Row::seconds, &Row::frontier_seconds);
  return results;
}

std::string verdict(const Row& row) {
  const Interval& difference = row.difference;
  if (difference.count < 2)
    return "one seed in common tells nothing about the spread; at least two are needed";
  const double half = 100 * *difference.half;
  if (difference.differs()) {
    return fmt::format("{} than the first row: the interval leaves out zero ({} seeds)",
                       difference.mean > 0 ? "better" : "worse", difference.count);
  }
  return fmt::format("not told apart with {} seeds, which show differences of {:.2f} points and more",
                     difference.count, half);
}

}  // namespace satsuma::tools::compare
