#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/train/study.hpp"
#include "src/core/json.hpp"

namespace satsuma::tools::compare {

/// One run in the folder of a comparison. Beside its run directory `runs/NAME` lie `NAME.toml` (its recipe),
/// `NAME.json` (the result, when it is finished), `NAME.failed` (why it failed) and `NAME.log` (what it
/// said).
class RunFiles {
 public:
  explicit RunFiles(const train::StudyRun& run) : directory_(run.recipe.out) {}

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path recipe() const { return with(".toml"); }
  std::filesystem::path result() const { return with(".json"); }
  std::filesystem::path failure() const { return with(".failed"); }
  std::filesystem::path output() const { return with(".log"); }
  std::filesystem::path claim() const { return with(".claim"); }

 private:
  /// A suffix, not an extension: names hold dots.
  std::filesystem::path with(const char* suffix) const { return directory_.string() + suffix; }

  std::filesystem::path directory_;
};

/// An epoch of a run, as its log has it.
struct EpochRecord {
  std::int64_t epoch = 0;
  std::optional<double> accuracy;  ///< on validation images, where there are any
  double seconds = 0;              ///< of training since the run began
  double macs = 0;                 ///< since the run began
};

/// How far a run is.
struct RunState {
  std::optional<Json>
      result;           ///< what `satsuma train --json` printed; of a finished run, with a test accuracy
  std::string failure;  ///< one line; empty unless the run failed
  std::vector<EpochRecord> log;  ///< of the epochs that are done

  std::int64_t epochs() const { return log.empty() ? 0 : log.back().epoch; }
  double seconds() const { return log.empty() ? 0 : log.back().seconds; }  ///< of training so far
  bool finished() const { return result.has_value(); }
  bool failed() const { return !failure.empty(); }
};

/// A number of a JSON object, where it has one of that name.
std::optional<double> number_in(const Json& object, const char* key);
/// The same, and `otherwise` where it has none.
double number(const Json& object, const char* key, double otherwise = 0);

/// Of what a run printed: whether that is all of the run, with a test accuracy; whether it was ended early,
/// to go on another time.
bool is_finished(const Json& result);
bool is_interrupted(const Json& result);

/// Lines that are cut off are left out.
std::vector<EpochRecord> read_epochs(const std::filesystem::path& directory);

/// Reads the files; changes nothing. Throws IoError where they cannot be read.
RunState state_of(const train::StudyRun& run);

/// Throws UsageError, with all differences, where the folder has this run under other settings.
void check_same_settings(const train::StudyRun& run);

}  // namespace satsuma::tools::compare
