#pragma once

#include <vector>

#include "tools/satsuma/compare/estimate.hpp"

namespace satsuma::tools::compare {

/// What will be done with a run, and how long that takes.
struct PlannedRun {
  const train::StudyRun* run;
  RunState state;
  double seconds = 0;  ///< that are left
  bool fits = true;    ///< into the budget
};

/// All runs in their order. A run that failed is left as it is unless `retry` is set. Of those that are left,
/// the ones that are over before `budget` seconds are through fit. Throws UsageError where the folder has a
/// run under other settings.
std::vector<PlannedRun> make_plan(const std::vector<train::StudyRun>& runs, bool retry, double budget,
                                  Estimate& estimate);

/// A table of the runs: done, failed, to be made, and their times.
void print_plan(const std::vector<PlannedRun>& plan);
/// `12 runs, 5 of them done; about 1h20m left`.
std::string summary(const std::vector<PlannedRun>& plan);

}  // namespace satsuma::tools::compare
