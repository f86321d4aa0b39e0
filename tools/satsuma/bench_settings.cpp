#include "tools/satsuma/bench_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

void check(std::string_view option, std::int64_t got, std::int64_t least, std::int64_t most) {
  if (got >= least && got <= most) return;
  throw UsageError(fmt::format("{} got {}, expected a whole number from {} to {}", option, got, least, most));
}

}  // namespace

void BenchSettings::add_to(const Command& command, int default_repeat, int default_warmup) {
  model.add_to(command);
  command.add_option("--nm", pattern, "N:M or N:MxV of sparse methods").show_default();
  add_run_to(command, default_repeat, default_warmup);
}

void BenchSettings::add_run_to(const Command& command, int default_repeat, int default_warmup) {
  repeat = default_repeat;
  warmup = default_warmup;
  command.add_option("--batch-size", batch_size, "images").show_default();
  command.add_option("--threads", threads,
                     "threads that compute [the least of cores, CPU quota and OMP_NUM_THREADS]");
  command.add_option("--repeat", repeat, "measurements of each, in turns").show_default();
  command.add_option("--warmup", warmup, "runs of each before them").show_default();
  command.add_flag("--json", json, "one JSON object on standard output");
}

void BenchSettings::apply() const {
  check("--batch-size", batch_size, 1, 1'000'000);
  check("--repeat", repeat, 1, 1'000'000);
  check("--warmup", warmup, 0, 1'000'000);
  use_threads(threads);
}

Json BenchSettings::machine() {
  const CacheSizes& caches = cache_sizes();
  return {{"cpu", cpu_name()},
          {"isa", kernels_name()},
          {"cores", available_cores()},
          {"threads", satsuma::threads()},
          {"cache_bytes", {{"level1", caches.level1}, {"level2", caches.level2}, {"level3", caches.level3}}},
          {"satsuma", SATSUMA_VERSION},
          {"compiler", SATSUMA_COMPILER}};
}

Json BenchSettings::work(const std::string& bench, const std::string& device) const {
  return {{"bench", bench},
          {"model", model.model},
          {"input", fmt::format("{}", fmt::join(model.options().input, "x"))},
          {"width", model.width},
          {"batch_size", batch_size},
          {"device", device},
          {"repeat", repeat}};
}

std::string BenchSettings::machine_line() {
  return fmt::format("{}, {}, {} on {} cores", cpu_name(), kernels_name(), threads_text(), available_cores());
}

Json spread(const std::vector<double>& values) {
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  return {{"median", median(values)},
          {"quartiles", {quantile(values, 0.25), quantile(values, 0.75)}},
          {"min", *least},
          {"max", *greatest}};
}

}  // namespace satsuma::tools
