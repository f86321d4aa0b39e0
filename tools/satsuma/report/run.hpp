#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/core/json.hpp"

namespace satsuma::tools {

/// A line of log.jsonl, and where in the run it stands.
struct RunPoint {
  double step = 0;
  std::optional<double> epoch;    ///< with its fraction; empty where the run does not say how long one is
  std::optional<double> seconds;  ///< of training
  std::optional<double> macs;     ///< multiply-adds executed until here
  Json fields;

  /// A number of the line that is finite.
  std::optional<double> value(std::string_view key) const;
};

/// How far a run has come.
enum class RunState : std::uint8_t { finished, running, incomplete };

/// A run directory as it is found: whatever a version, a crash or a hand has left out is empty here, and said
/// in `notes`.
struct Run {
  std::filesystem::path path;
  std::string name;  ///< of the folder
  RunState state = RunState::incomplete;
  std::string state_text;                                   ///< `3 of 30 epochs, running`
  std::vector<std::pair<std::string, std::string>> config;  ///< keys and values of config.toml
  Json about = Json::object();                              ///< run.json
  std::vector<RunPoint> intervals;                          ///< lines of kind `step` or `interval`
  std::vector<RunPoint> epochs;
  std::optional<RunPoint> test;      ///< the evaluation at the end
  Json evaluation = Json::object();  ///< evaluation.json
  std::vector<std::string> notes;    ///< what is missing or damaged, a sentence each

  /// A value of config.toml; empty where it has none.
  std::string setting(std::string_view key) const;
  /// Where the best is chosen: `val`, or `test` in runs without a validation part.
  std::string_view held_out() const;
  /// The best accuracy that an epoch has reached on those.
  std::optional<double> best_accuracy() const;
};

/// Reads what is there. Throws UsageError where `path` is no directory or holds no run, IoError when it
/// cannot be read.
Run read_run(const std::filesystem::path& path);

/// The value at `key` of an object; null where there is none.
const Json& value_at(const Json& object, std::string_view key);
/// A number at `key` of an object that is finite.
std::optional<double> number_at(const Json& object, std::string_view key);
/// A text at `key`; empty where there is none.
std::string text_at(const Json& object, std::string_view key);
/// Keys and values of a TOML text of one line a key, as to_toml() writes it.
std::vector<std::pair<std::string, std::string>> config_lines(std::string_view text);

}  // namespace satsuma::tools
