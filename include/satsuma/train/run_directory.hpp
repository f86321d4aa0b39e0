#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "satsuma/sparse/pattern.hpp"
#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"

namespace satsuma::train {

enum class RunMode : std::uint8_t {
  fresh,      ///< the directory must be empty or not exist
  resume,     ///< the directory must hold a run
  overwrite,  ///< an earlier run's files are removed, anything else stays
};

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
  std::filesystem::path init() const { return path_ / "init.safetensors"; }
  std::filesystem::path last() const { return path_ / "last.safetensors"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }

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

/// One line of log.jsonl.
struct LogRecord {
  bool epoch_end = false;  ///< of an epoch, else of a step interval
  std::int64_t step = 0;
  std::int64_t epoch = 0;  ///< counted from 1
  double lr = 0;
  Pattern pattern = {};             ///< N:M of the step
  Tally tally;                      ///< of the interval or the epoch
  double seconds = 0;               ///< of training since the run began
  std::optional<double> test_loss;  ///< epochs only
  std::optional<double> test_accuracy;
  std::optional<LossScale> loss_scale;  ///< after the step
  std::optional<StepTime> time;         ///< intervals only
};

/// log.jsonl: JSON objects, one a line, appended.
class RunLog {
 public:
  /// Keeps the lines of an earlier run up to `step` and drops the others: what a resumed run does again is
  /// logged once. Throws IoError, also where the lines are there and cannot be read.
  RunLog(std::filesystem::path path, std::int64_t step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Throws IoError; no part of the line is in the file then.
  void write(const LogRecord& record);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace satsuma::train
