#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"

namespace satsuma::train {

enum class RunMode : std::uint8_t {
  fresh,      ///< the directory must be empty or not exist
  resume,     ///< the directory must hold a run
  overwrite,  ///< an earlier run's files are removed, anything else stays
};

/// The directory of a run and the names in it.
class RunDirectory {
 public:
  /// Looks, but changes nothing yet. Throws UsageError when what is there does not fit `mode`.
  RunDirectory(std::filesystem::path path, RunMode mode);

  /// Makes the directory, removes an earlier run's files under RunMode::overwrite, and writes config.toml.
  /// Throws IoError when the directory cannot be made or written.
  void open(std::string_view config);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }
  std::filesystem::path init() const { return path_ / "init.safetensors"; }
  std::filesystem::path last() const { return path_ / "last.safetensors"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }

 private:
  std::filesystem::path path_;
  RunMode mode_;
};

/// One line of log.jsonl.
struct LogRecord {
  bool epoch_end = false;  ///< of an epoch, else of a step interval
  std::int64_t step = 0;
  std::int64_t epoch = 0;  ///< counted from 1
  double lr = 0;
  Tally tally;                      ///< of the interval or the epoch
  double seconds = 0;               ///< of training since the run began
  std::optional<double> test_loss;  ///< epochs only
  std::optional<double> test_accuracy;
  std::optional<LossScale> loss_scale;  ///< after the step
};

/// log.jsonl: JSON objects, one a line, appended.
class RunLog {
 public:
  /// Keeps the lines of an earlier run up to `step` and drops the others: what a resumed run does again is
  /// logged once.
  RunLog(std::filesystem::path path, std::int64_t step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Throws IoError.
  void write(const LogRecord& record);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace satsuma::train
