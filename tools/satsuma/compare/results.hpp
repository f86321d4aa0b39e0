#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/train/study.hpp"
#include "src/core/json_fwd.hpp"
#include "tools/satsuma/compare/run_state.hpp"
#include "tools/satsuma/compare/statistics.hpp"

namespace satsuma::tools::compare {

/// What SAT would take, as its model says.
struct Simulated {
  double seconds = 0;
  double joules = 0;
};

/// All runs of a variant.
struct Row {
  const train::Variant* variant = nullptr;
  std::vector<std::int64_t> seeds;  ///< of finished runs, in the order of the study
  std::vector<double> accuracies;   ///< of each, on test images
  std::int64_t failed = 0;
  std::int64_t missing = 0;

  Interval difference;  ///< to the first row, over the seeds that both have
  double macs = 0;      ///< multiply-adds of a run, mean
  double seconds = 0;   ///< of training, mean
  double speedup = 0;   ///< seconds of the first row over these; 0 where that has no run
  /// Runs that came to the target, and their mean seconds to there.
  std::size_t reached = 0;
  std::optional<double> seconds_to_target;
  std::optional<Simulated> sat;
  bool frontier_macs = false;     ///< no row has more accuracy for as few multiply-adds
  bool frontier_seconds = false;  ///< the same in seconds

  std::size_t runs() const { return accuracies.size(); }
};

/// What came out of a study.
struct Results {
  std::vector<Row> rows;  ///< in the order of the study
  /// Accuracy on validation images whose time is measured: the mean of the first row's last epochs less the
  /// margin. Empty where the first row has no such curve.
  std::optional<double> target;
  double margin = 0.005;
};

/// Reads what is there. `margin` is how much below the first row's accuracy the target lies.
Results gather(const train::Study& study, const std::vector<train::StudyRun>& runs, double margin);

/// What the difference of `row` can tell and what it cannot, a sentence.
std::string verdict(const Row& row);

/// What the steps of a run would take on SAT's default configuration; evaluation is not counted. `result` is
/// the run's. Empty where it does not say what the model was, or its layers cannot be scheduled.
std::optional<Simulated> simulate_training(const train::Recipe& recipe, const Json& result);

}  // namespace satsuma::tools::compare
