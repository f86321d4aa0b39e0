#include "tools/satsuma/bench_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "src/core/message.hpp"
#include "tools/satsuma/bench_figures.hpp"
#include "tools/satsuma/json_output.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string old_path;
  std::string new_path;
  double tolerance = 0.05;
  bool json = false;
};

/// An entry that both results have.
struct Comparison {
  std::string name;
  double old_time = 0;
  double new_time = 0;
  double ratio = 0;    ///< above 1: slower
  double allowed = 0;  ///< how far from 1 is nothing yet

  bool slower() const { return ratio > 1 + allowed; }
  bool faster() const { return 1 / ratio > 1 + allowed; }
  const char* verdict() const { return slower() ? "slower" : faster() ? "faster" : "same"; }
};

std::vector<Comparison> compare(const Figures& old, const Figures& now, double tolerance) {
  if (old.bench != now.bench) {
    throw Error(fmt::format("{} is of bench {} and {} of bench {}; compare two of one kind", old.path,
                            old.bench, now.path, now.bench));
  }
  std::vector<Comparison> result;
  for (const Figure& before : old.entries) {
    const auto after = std::find_if(now.entries.begin(), now.entries.end(),
                                    [&](const Figure& entry) { return entry.name == before.name; });
    if (old.work != now.work || after == now.entries.end()) continue;
    result.push_back({before.name, before.time, after->time, after->time / before.time,
                      tolerance + before.noise + after->noise});
  }
  if (result.empty()) {
    throw Error(fmt::format("{} ({}) and {} ({}) have nothing in common; measure the same work twice",
                            old.path, old.work, now.path, now.work));
  }
  return result;
}

/// `isa avx512 and avx2, threads 2 and 1`; empty where the machines are the same.
std::string difference(const Json& old, const Json& now) {
  std::vector<std::string> words;
  for (const char* const key :
       {"cpu", "isa", "cores", "threads", "cache_bytes", "satsuma", "compiler", "onednn"}) {
    const Json before = old.value(key, Json());
    const Json after = now.value(key, Json());
    if (before != after)
      words.push_back(fmt::format("{} {} and {}", key, shown_value(before), shown_value(after)));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

Json to_json(const Settings& settings, const Figures& old, const std::vector<Comparison>& comparisons,
             const std::string& differs) {
  Json entries = Json::array();
  bool slower = false;
  for (const Comparison& each : comparisons) {
    slower |= each.slower();
    entries.push_back({{"name", each.name},
                       {"old", each.old_time},
                       {"new", each.new_time},
                       {"ratio", each.ratio},
                       {"allowed", each.allowed},
                       {"verdict", each.verdict()}});
  }
  return {{"bench", old.bench},
          {"unit", old.bench == "step" ? "seconds" : "time of oneDNN dense"},
          {"tolerance", settings.tolerance},
          {"machine_difference", differs},
          {"slower", slower},
          {"entries", entries}};
}

void print(const std::vector<Comparison>& comparisons, std::size_t old_count, std::size_t new_count) {
  int slower = 0;
  int faster = 0;
  for (const Comparison& each : comparisons) {
    slower += each.slower();
    faster += each.faster();
    if (!each.slower() && !each.faster()) continue;
    fmt::print("{}: {}, {:.2f} times the time ({:.0f} % is noise and tolerance)\n", each.name, each.verdict(),
               each.ratio, 100 * each.allowed);
  }
  fmt::print("{} compared: {} slower, {} faster", comparisons.size(), slower, faster);
  if (old_count > comparisons.size()) fmt::print(", {} only in the old", old_count - comparisons.size());
  if (new_count > comparisons.size()) fmt::print(", {} only in the new", new_count - comparisons.size());
  fmt::print("\n");
}

int run_check(const Settings& settings) {
  if (!(settings.tolerance >= 0 && settings.tolerance <= 100)) {
    throw UsageError(fmt::format("--tolerance got {}, expected a share such as 0.05", settings.tolerance));
  }
  const Figures old = read_figures(settings.old_path);
  const Figures now = read_figures(settings.new_path);
  const std::vector<Comparison> comparisons = compare(old, now, settings.tolerance);
  const std::string differs = difference(old.machine, now.machine);
  if (!differs.empty()) say("warning: measured under other conditions: {}", differs);
  if (settings.json) {
    print_json(to_json(settings, old, comparisons, differs));
  } else {
    print(comparisons, old.entries.size(), now.entries.size());
  }
  return std::any_of(comparisons.begin(), comparisons.end(), [](const auto& each) { return each.slower(); });
}

}  // namespace

void add_bench_check(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  const Command command = bench.add_command("check", "What became slower between two results of --json");
  command.add_option("OLD", settings->old_path, "result to compare with").required();
  command.add_option("NEW", settings->new_path, "result that may not be slower").required();
  command.add_option("--tolerance", settings->tolerance, "share of time that is no change, besides the noise")
      .show_default();
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer(
      "Example: satsuma bench check before.json after.json --tolerance 0.03\n"
      "Noise is half the distance between the quartiles, of both results. Kernels are compared in units of\n"
      "the oneDNN time measured beside them, steps in seconds. Exit status 1 when something is slower.");
  command.run([settings] { return run_check(*settings); });
}

}  // namespace satsuma::tools
