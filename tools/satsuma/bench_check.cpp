#include "tools/satsuma/bench_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"
#include "tools/satsuma/output.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string old_path;
  std::string new_path;
  double tolerance = 0.05;
  bool json = false;
};

/// One figure of a result: a time, and half the distance of its quartiles as a share of it.
struct Entry {
  std::string name;
  double time = 0;
  double noise = 0;
};

/// What a result says, whichever bench it is of.
struct Figures {
  std::string path;
  std::string bench;
  std::string work;  ///< what was measured; only equal work can be compared
  Json machine;
  std::vector<Entry> entries;
};

void add_entry(Figures& figures, std::string name, double time, const Json& quartiles) {
  const double low = quartiles.at(0).get<double>();
  const double high = quartiles.at(1).get<double>();
  if (!(time > 0) || !std::isfinite(time) || !(low > 0 && low <= high) || !std::isfinite(high)) {
    throw FormatError(
        fmt::format("{}: '{}' has a time of {} with quartiles {} and {}, expected positive "
                    "numbers; measure it anew",
                    figures.path, name, time, low, high));
  }
  const auto same = [&](const Entry& entry) { return entry.name == name; };
  if (std::any_of(figures.entries.begin(), figures.entries.end(), same)) return;
  figures.entries.push_back({std::move(name), time, (high - low) / 2 / time});
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Figures read_figures(const Json& object, const std::string& path) {
  Figures figures = {path, object.at("bench").get<std::string>(), "", object.at("machine"), {}};
  if (!figures.machine.is_object()) throw FormatError(path + " is no bench result: 'machine' is no object");
  figures.work = fmt::format("{} {} width {}, batch {}, {}", text_of(object.at("model")),
                             text_of(object.at("input")), text_of(object.at("width")),
                             text_of(object.at("batch_size")), text_of(object.at("device")));
  if (figures.bench == "step") {
    figures.work += ", " + text_of(object.at("nm"));
    for (const Json& row : object.at("results")) {
      const Json device = row.value("device", object.at("device"));
      const std::string on = device == object.at("device") ? "" : " on " + text_of(device);
      add_entry(figures, fmt::format("{} {}{}", text_of(row.at("method")), text_of(row.at("precision")), on),
                row.at("seconds_median").get<double>(), row.at("seconds_quartiles"));
    }
  } else if (figures.bench == "kernels") {
    figures.work += ", " + text_of(object.at("method"));
    for (const Json& row : object.at("layers")) {
      const std::string name = fmt::format("{} {}", text_of(row.at("layer")), text_of(row.at("pass")));
      const Json& dense = row.at("own_dense_time");
      add_entry(figures, name + " dense", dense.at("median").get<double>(), dense.at("quartiles"));
      if (!row.at("pruned").get<bool>()) continue;
      const Json& nm = row.at("nm_time");
      add_entry(figures, name + " " + text_of(row.at("nm")), nm.at("median").get<double>(),
                nm.at("quartiles"));
    }
  } else {
    throw FormatError(fmt::format("{} is of bench '{}', expected step or kernels", path, figures.bench));
  }
  return figures;
}

Figures read_figures(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  constexpr std::string_view kExpected =
      "expected what satsuma bench step --json or bench kernels --json prints";
  try {
    return read_figures(Json::parse(file), path);
  } catch (const Json::parse_error& error) {
    throw FormatError(fmt::format("{} is no JSON from byte {} on, {}", path, error.byte, kExpected));
  } catch (const Json::exception& error) {
    // "[json.exception.out_of_range.403] key 'x' not found": the words without the number.
    const std::string words = error.what();
    const std::size_t bracket = words.find("] ");
    throw FormatError(fmt::format("{} is no bench result ({}), {}", path,
                                  bracket == std::string::npos ? words : words.substr(bracket + 2),
                                  kExpected));
  }
}

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
  for (const Entry& before : old.entries) {
    const auto after = std::find_if(now.entries.begin(), now.entries.end(),
                                    [&](const Entry& entry) { return entry.name == before.name; });
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
    if (before != after) words.push_back(fmt::format("{} {} and {}", key, text_of(before), text_of(after)));
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

CLI::App* add_bench_check(CLI::App& bench, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command = bench.add_subcommand("check", "What became slower between two results of --json");
  command->add_option("OLD", settings->old_path, "result to compare with")->required();
  command->add_option("NEW", settings->new_path, "result that may not be slower")->required();
  command
      ->add_option("--tolerance", settings->tolerance, "share of time that is no change, besides the noise")
      ->capture_default_str();
  command->add_flag("--json", settings->json, "one JSON object on standard output");
  command->footer(
      "Example: satsuma bench check before.json after.json --tolerance 0.03\n"
      "Noise is half the distance between the quartiles, of both results. Kernels are compared in units of\n"
      "the oneDNN time measured beside them, steps in seconds. Exit status 1 when something is slower.");
  command->callback([settings, &run] { run = [settings] { return run_check(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
