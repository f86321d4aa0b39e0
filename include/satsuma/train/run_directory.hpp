#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "satsuma/sparse/pattern.hpp"
#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"

namespace satsuma::train {

enum class RunMode : std::uint8_t {
  fresh,      ///< the directory must be empty or not exist
  resume,     ///< the directory must hold a run
  overwrite,  ///< an earlier run's files are removed, anything else stays
  guest,      ///< another process's: neither looked at, nor locked, nor written
};

class AppendFile;
class RunLock;

/// The directory of a run and the names in it. It belongs to one process at a time: a lock, which copies
/// share, is held from when the directory is there until the last of them is gone or the process ends.
class RunDirectory {
 public:
  /// Looks, and changes nothing yet but for the lock. Throws UsageError when what is there does not fit
  /// `mode`, when another process holds it, and under RunMode::resume when last.safetensors is missing though
  /// the log or best.safetensors show that training had begun.
  RunDirectory(std::filesystem::path path, RunMode mode);

  /// Makes the directory, writes config.toml, and removes an earlier run's files under RunMode::overwrite.
  /// Throws IoError when the directory cannot be made or written; one that was made is removed again then.
  void open(std::string_view config);

  /// True where there is a checkpoint that training goes on from.
  bool resumes() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path table() const { return path_ / "log.csv"; }
  std::filesystem::path evaluation() const { return path_ / "evaluation.json"; }
  std::filesystem::path init() const { return path_ / "init.safetensors"; }
  std::filesystem::path last() const { return path_ / "last.safetensors"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }
  /// Of the weights that are the `rank`-th best, counted from 1, under --keep-best.
  std::filesystem::path best(std::int64_t rank) const;
  /// Those of them that are there, by rank. Throws IoError where the directory cannot be read.
  std::vector<std::filesystem::path> ranked() const;

 private:
  void hold();
  void check_empty() const;
  void check_resumable() const;

  std::filesystem::path path_;
  RunMode mode_;
  std::shared_ptr<const RunLock> lock_;
};

/// Where the time of training steps went, in seconds.
struct StepTime {
  double data = 0;  ///< waiting for the loader
  double forward = 0;
  double backward = 0;
  double update = 0;
};

/// How ranks that train together have waited for each other.
struct RankTimes {
  std::int64_t ranks = 1;
  std::int64_t slowest = 0;    ///< the rank that has waited least
  double slowest_waiting = 0;  ///< its share of the time of steps
  double waiting = 0;          ///< of all ranks, the mean
};

/// One line of log.jsonl.
struct LogRecord {
  enum class Kind : std::uint8_t {
    step,   ///< of an interval of steps
    epoch,  ///< of an epoch, or of the part of it that training ends in
    test,   ///< of the weights that a run ends with, or the best on validation; the last line
  };
  /// Of an evaluation.
  struct Scores {
    double loss = 0;
    double accuracy = 0;
    double top5 = 0;
  };

  Kind kind = Kind::step;
  std::int64_t step = 0;
  std::int64_t epoch = 0;  ///< counted from 1
  double lr = 0;
  Pattern pattern = {};                 ///< N:M of the step
  Tally tally;                          ///< of the interval or the epoch
  double seconds = 0;                   ///< of training since the run began
  std::optional<Scores> validation;     ///< epochs only
  std::optional<Scores> test;           ///< tests only
  std::optional<LossScale> loss_scale;  ///< after the step
  std::optional<double> gradient_norm;  ///< of the step, before it was clipped
  /// Of each layer with packed weights, the share of positions that were not kept an epoch before.
  std::vector<std::pair<std::string, double>> mask_change;
  std::optional<StepTime> time;    ///< intervals only
  std::optional<RankTimes> ranks;  ///< where there are several
};

/// log.jsonl: JSON objects, one a line, appended; and log.csv, the same as a table: a column for each key,
/// empty where a line has none, and for keys by layer the mean.
class RunLog {
 public:
  /// Keeps the lines of an earlier run up to `step`, those of epochs up to the step `evaluated`, but for a
  /// test, and drops the others: what a resumed run does again is logged once. `table` is made anew of the
  /// lines. Throws IoError, also where the lines are there and cannot be read.
  RunLog(const std::filesystem::path& path, const std::filesystem::path& table, std::int64_t step,
         std::int64_t evaluated);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Throws IoError; no part of the line is in the file that could not be written then.
  void write(const LogRecord& record);

 private:
  std::unique_ptr<AppendFile> lines_;
  std::unique_ptr<AppendFile> table_;
};

}  // namespace satsuma::train
