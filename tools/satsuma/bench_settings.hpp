#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/core/json_fwd.hpp"
#include "tools/satsuma/command.hpp"
#include "tools/satsuma/model_settings.hpp"

namespace satsuma::tools {

/// The options that all benchmarks have.
struct BenchSettings {
  ModelSettings model;
  std::int64_t batch_size = 64;
  std::string pattern = "2:8";
  std::optional<std::int64_t> threads;
  int repeat = 0;
  int warmup = 0;
  bool json = false;

  void add_to(const Command& command, int default_repeat, int default_warmup);
  /// Those of a bench without a model.
  void add_run_to(const Command& command, int default_repeat, int default_warmup);
  /// Throws UsageError on a number out of range; sets the number of threads that compute.
  void apply() const;
  /// What a figure depends on besides the work: processor, instruction set, threads, versions.
  static Json machine();
  /// The work itself, for what reads the result later: model, input, batch size, device.
  Json work(const std::string& bench, const std::string& device) const;
  static std::string machine_line();
};

/// Median, quartiles, least and greatest of values that are not empty.
Json spread(const std::vector<double>& values);

}  // namespace satsuma::tools
