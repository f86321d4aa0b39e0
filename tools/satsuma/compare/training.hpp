#pragma once

#include <functional>
#include <string>
#include <vector>

#include "satsuma/train/study.hpp"

namespace satsuma::tools::compare {

enum class Ending {
  finished,
  failed,
  stopped,  ///< by a signal or its own --max-time, to go on another time
};

/// Trains `run` in a process of its own, so that whatever happens there ends that run alone: from the start,
/// or from where an earlier process left it. Leaves NAME.json, or NAME.failed with the reason in one line.
/// `wait` is called some times a second; a signal that it
/// returns is passed on, and the run is stopped then, to go on another time. Where this process dies, the
/// other saves and ends. Throws IoError where files cannot be written.
Ending train_run(const train::StudyRun& run, const std::function<int()>& wait);

}  // namespace satsuma::tools::compare
