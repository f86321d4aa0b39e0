#include "tools/satsuma/report/run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/file_descriptor.hpp"
#include "src/core/json.hpp"
#include "src/train/run_lock.hpp"
#include "tools/satsuma/file_text.hpp"
#include "tools/satsuma/run_description.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

/// The object in a JSON file; an empty one, and a note, where it is something else.
Json object_of(const fs::path& path, Run& run) {
  const std::optional<std::string> text = text_of(path);
  if (!text) return Json::object();
  Json object = parse_json(*text);
  if (object.is_object()) return object;
  run.notes.push_back(fmt::format("{} is damaged and was left out", path.filename().string()));
  return Json::object();
}

/// The objects in a file of one a line. Of a run under way the last line may not be whole yet.
std::vector<Json> lines_of(const fs::path& path, Run& run) {
  std::vector<Json> lines;
  const std::optional<std::string> text = text_of(path);
  if (!text) return lines;
  std::istringstream stream(*text);
  int damaged = 0;
  for (std::string line; std::getline(stream, line);) {
    if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
    Json object = parse_json(line);
    if (object.is_object() && number_at(object, "step")) {
      lines.push_back(std::move(object));
    } else if (!stream.eof()) {
      ++damaged;
    }
  }
  if (damaged > 0) {
    run.notes.push_back(fmt::format("{} line{} of {} {} damaged and left out", damaged,
                                    damaged == 1 ? "" : "s", path.filename().string(),
                                    damaged == 1 ? "was" : "were"));
  }
  return lines;
}

bool is_locked(const fs::path& directory) {
  const FileDescriptor file(
      ::open((directory / train::kLockName).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::optional<double> parsed(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0' && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// Adds up the multiply-adds of `points`, each of which says those of its own.
void add_up(std::vector<RunPoint>& points) {
  double sum = 0;
  for (RunPoint& point : points) {
    const std::optional<double> own = point.value("macs");
    if (!own) return;
    sum += *own;
    point.macs = sum;
  }
}

void place_epochs(Run& run) {
  std::optional<double> length = number_at(run.about, "batches_per_epoch");
  if (!length && !run.epochs.empty()) {
    const RunPoint& first = run.epochs.front();
    if (first.value("epoch").value_or(0) >= 1) length = first.step / *first.value("epoch");
  }
  if (!length || !(*length > 0)) return;
  for (std::vector<RunPoint>* const points : {&run.intervals, &run.epochs}) {
    for (RunPoint& point : *points) point.epoch = point.step / *length;
  }
}

void read_log(Run& run) {
  const auto lines = lines_of(run.path / "log.jsonl", run);
  for (const Json& line : lines) {
    RunPoint point;
    point.fields = line;
    point.step = *point.value("step");
    point.seconds = point.value("seconds");
    const std::string kind = text_at(line, "kind");
    if (kind == "epoch") {
      run.epochs.push_back(std::move(point));
    } else if (kind == "test") {
      run.test = std::move(point);
    } else if (kind == "step" || kind == "interval") {
      run.intervals.push_back(std::move(point));
    }
  }
  add_up(run.intervals);
  add_up(run.epochs);
  place_epochs(run);
}

void find_state(Run& run) {
  double step = 0;
  for (const auto* const points : {&run.intervals, &run.epochs}) {
    if (!points->empty()) step = std::max(step, points->back().step);
  }
  const double epochs = parsed(run.setting("epochs")).value_or(0);
  const std::optional<double> steps = parsed(run.setting("steps"));
  const double done = run.epochs.empty() ? 0 : run.epochs.back().value("epoch").value_or(0);
  const bool finished = run.test || (steps && step >= *steps && done > 0) ||
                        (epochs > 0 && done >= epochs && !run.epochs.empty());
  run.state = is_locked(run.path) ? RunState::running : finished ? RunState::finished : RunState::incomplete;
  const std::string far = epochs > 0 ? fmt::format("{:g} of {:g} epochs, step {:g}", done, epochs, step)
                                     : fmt::format("step {:g}", step);
  run.state_text = far + (run.state == RunState::running    ? ", running"
                          : run.state == RunState::finished ? ", finished"
                                                            : ", not finished");
}

}  // namespace

const Json& value_at(const Json& object, std::string_view key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(std::string(key));
  return found == object.end() ? null : *found;
}

std::optional<double> number_at(const Json& object, std::string_view key) {
  const Json& value = value_at(object, key);
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::string text_at(const Json& object, std::string_view key) {
  const Json& value = value_at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

std::vector<std::pair<std::string, std::string>> config_lines(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    const std::size_t equals = line.find(" = ");
    if (line.starts_with('#') || equals == std::string::npos) continue;
    std::string value = line.substr(equals + 3);
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'');
    if (quoted && value.back() == value.front()) value = value.substr(1, value.size() - 2);
    lines.emplace_back(line.substr(0, equals), std::move(value));
  }
  return lines;
}

std::optional<double> RunPoint::value(std::string_view key) const {
  return number_at(fields, key);
}

std::string Run::setting(std::string_view key) const {
  for (const auto& [name, value] : config) {
    if (name == key) return value;
  }
  return "";
}

std::string_view Run::held_out() const {
  const bool validates = std::any_of(epochs.begin(), epochs.end(), [](const RunPoint& point) {
    return point.value("val_loss").has_value();
  });
  return validates ? "val" : "test";
}

std::optional<double> Run::best_accuracy() const {
  std::optional<double> best;
  for (const RunPoint& point : epochs) {
    const auto value = point.value(fmt::format("{}_accuracy", held_out()));
    if (value && (!best || *value > *best)) best = value;
  }
  return best;
}

Run read_run(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    throw UsageError(fmt::format("{} is no run directory; expected a folder that satsuma train wrote (--out)",
                                 path.string()));
  }
  Run run;
  run.path = path;
  run.name = fs::weakly_canonical(path, error).filename().string();
  if (error || run.name.empty()) run.name = path.string();
  if (!is_there(path / "log.jsonl") && !is_there(path / "config.toml")) {
    throw UsageError(
        fmt::format("{} holds no run: it has neither log.jsonl nor config.toml; expected a folder that "
                    "satsuma train wrote (--out)",
                    path.string()));
  }
  if (const auto text = text_of(path / "config.toml")) run.config = config_lines(*text);
  if (run.config.empty()) run.notes.emplace_back("config.toml is missing or empty");
  run.about = object_of(path / kRunDescription, run);
  read_log(run);
  run.evaluation = object_of(path / "evaluation.json", run);
  find_state(run);
  if (run.intervals.empty() && run.epochs.empty()) run.notes.emplace_back("the log has no line yet");
  return run;
}

}  // namespace satsuma::tools
