#pragma once

#include <map>
#include <string>
#include <vector>

#include "satsuma/train/experiment.hpp"
#include "satsuma/train/study.hpp"
#include "tools/satsuma/compare/run_state.hpp"

namespace satsuma::tools::compare {

/// Seconds that runs take. A variant of which a run is finished, or an epoch, takes what that took; of any
/// other a few steps on noise are timed, and evaluation is reckoned as a third of a step for each image. The
/// one evaluation of test images is left out.
class Estimate {
 public:
  /// Takes in what was measured. `state` is that of `run`.
  void learn(const train::StudyRun& run, const RunState& state);
  /// Seconds that are left of `run`. May time steps, which takes some of them. Throws UsageError where the
  /// data has no test images, which a comparison is made on.
  double left(const train::StudyRun& run, const RunState& state);

 private:
  train::ExperimentData load(const train::StudyRun& run);
  double steps_an_epoch(const train::StudyRun& run);
  double seconds_an_epoch(const train::StudyRun& run);

  // By variant.
  std::map<std::string, double> learned_;
  std::map<std::string, double> steps_;  ///< of an epoch, of data that were loaded
};

}  // namespace satsuma::tools::compare
