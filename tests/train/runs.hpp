#pragma once

#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "satsuma/core/parallel.hpp"
#include "satsuma/train/trainer.hpp"
#include "src/core/json.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

// Runs of the tiny experiment, and what they have left in their directories.

namespace satsuma::testing {

using namespace train;

/// One call of a program that trains: everything is built anew, as in a new process.
inline Outcome run_once(const std::filesystem::path& out, const Recipe& recipe, RunMode mode,
                        StopRequest stop = {}, const ExperimentData& data = tiny_data()) {
  set_threads(1);  // the layers are too small for more
  Progress progress(stderr, Progress::Style::quiet);
  RunDirectory directory(out, mode);
  Trainer trainer(recipe, tiny_model(recipe), data, directory, progress, std::move(stop));
  if (mode == RunMode::resume) trainer.resume(load_checkpoint(directory.last()));
  directory.open(to_toml(recipe));
  return trainer.run();
}

/// Asks for the end when it is asked for the `calls`-th time.
inline StopRequest stop_after(int calls) {
  return [calls, asked = std::make_shared<int>(0)] { return ++*asked >= calls ? SIGTERM : 0; };
}

/// Stops a run at the first, second, ... call of the stop request, before `end`, and lets each go on; `check`
/// gets the directory, and what came of the second half. Returns how many were stopped.
template <typename Check>
int stop_at_each_call(const std::filesystem::path& directory, const Recipe& recipe, int end,
                      const Check& check) {
  int stopped = 0;
  for (int calls = 1; calls < end; ++calls) {
    CAPTURE(calls);
    const std::filesystem::path run = directory / ("run" + std::to_string(calls));
    const Outcome first = run_once(run, recipe, RunMode::fresh, stop_after(calls));
    stopped += first.signal == SIGTERM ? 1 : 0;
    CHECK(first.state.step == load_checkpoint(run / "last.safetensors").info->state.step);
    check(run, run_once(run, recipe, RunMode::resume));
    std::filesystem::remove_all(run);
  }
  return stopped;
}

inline std::map<std::string, std::vector<double>> tensors_of(const std::filesystem::path& path) {
  std::map<std::string, std::vector<double>> result;
  const Checkpoint checkpoint = load_checkpoint(path);
  for (const auto& [name, tensor] : checkpoint.model) result[name] = tensor.to_vector<double>();
  for (const auto& [name, tensor] : checkpoint.optimizer)
    result["optimizer." + name] = tensor.to_vector<double>();
  for (const auto& [name, tensor] : checkpoint.ema) result["ema." + name] = tensor.to_vector<double>();
  for (const auto& [name, tensor] : checkpoint.epoch_masks)
    result["mask." + name] = tensor.to_vector<double>();
  return result;
}

/// Log lines without what depends on time.
inline std::vector<Json> log_of(const std::filesystem::path& run) {
  std::vector<Json> lines;
  std::istringstream text(read_file(run / "log.jsonl"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(parse_json(line));
    lines.back().erase("seconds");
    lines.back().erase("images_per_second");
    lines.back().erase("time");
  }
  return lines;
}

inline void check_same_run(const std::filesystem::path& run, const std::filesystem::path& expected) {
  CHECK(tensors_of(run / "init.safetensors") == tensors_of(expected / "init.safetensors"));
  CHECK(tensors_of(run / "last.safetensors") == tensors_of(expected / "last.safetensors"));
  CHECK(tensors_of(run / "best.safetensors") == tensors_of(expected / "best.safetensors"));
  CHECK(log_of(run) == log_of(expected));
  CHECK(read_file(run / "evaluation.json") == read_file(expected / "evaluation.json"));
}

}  // namespace satsuma::testing
