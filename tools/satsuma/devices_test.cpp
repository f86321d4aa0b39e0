#include "tools/satsuma/devices_test.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "satsuma/conformance/suite.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

using conformance::Check;
using conformance::Outcome;
using conformance::Report;
using conformance::SupportTable;
using conformance::Timing;

struct Settings {
  std::string name;
  PluginFlags plugins;
  std::vector<std::string> modes;
  std::string filter = "*";
  std::uint64_t seed = 1;
  std::string json;
};

constexpr Outcome kOutcomes[] = {Outcome::passed, Outcome::failed, Outcome::refused, Outcome::unchecked};

conformance::Options options_of(const Settings& settings) {
  conformance::Options options;
  options.filter = settings.filter;
  options.seed = settings.seed;
  if (settings.modes.empty()) return options;
  options.modes.clear();
  for (const std::string& mode : settings.modes) {
    const conformance::Mode parsed = conformance::parse_mode(mode);
    if (std::find(options.modes.begin(), options.modes.end(), parsed) == options.modes.end())
      options.modes.push_back(parsed);
  }
  return options;
}

Json to_json(const SupportTable& table) {
  Json rows = Json::array();
  for (const SupportTable::Row& row : table.rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const SupportTable::Cell& cell = row.cells[i];
      Json reasons = Json::array();
      for (const int reason : cell.reasons)
        reasons.push_back(table.reasons[static_cast<std::size_t>(reason)]);
      rows.push_back({{"types", row.types},
                      {"layer", row.layer},
                      {"pass", table.columns[i]},
                      {"asked", cell.asked},
                      {"accepted", cell.accepted},
                      {"reasons", reasons}});
    }
  }
  return rows;
}

Json to_json(const Device& device, const conformance::Options& options, const Report& report) {
  Json object = {{"device", device.name()}, {"description", device.description()}, {"seed", options.seed}};
  for (const conformance::Mode mode : options.modes) object["modes"].push_back(to_string(mode));
  for (const Outcome outcome : kOutcomes) object[std::string(to_string(outcome))] = report.count(outcome);
  Json checks = Json::array();
  for (const Check& check : report.checks) {
    checks.push_back({{"name", check.name},
                      {"outcome", to_string(check.outcome)},
                      {"error", check.error},
                      {"tolerance", check.tolerance},
                      {"detail", check.detail}});
  }
  object["checks"] = checks;
  Json timings = Json::array();
  for (const Timing& timing : report.timings) {
    timings.push_back({{"name", timing.name},
                       {"seconds", timing.seconds},
                       {"cpu_seconds", timing.cpu_seconds > 0 ? Json(timing.cpu_seconds) : Json()},
                       {"macs", timing.macs}});
  }
  object["timings"] = timings;
  object["support"] = to_json(report.support);
  return object;
}

/// `yes`, `no [1]`, or how many of the patterns: `8/10 [2-3]`.
std::string text_of(const SupportTable::Cell& cell) {
  std::string text = cell.accepted == cell.asked ? "yes"
                     : cell.accepted == 0        ? "no"
                                                 : fmt::format("{}/{}", cell.accepted, cell.asked);
  for (std::size_t i = 0; i < cell.reasons.size();) {
    std::size_t end = i + 1;
    while (end < cell.reasons.size() && cell.reasons[end] == cell.reasons[end - 1] + 1) ++end;
    const int first = cell.reasons[i] + 1;
    const int last = cell.reasons[end - 1] + 1;
    text += first == last ? fmt::format(" [{}]", first) : fmt::format(" [{}-{}]", first, last);
    i = end;
  }
  return text;
}

/// Rows whose types have the same answers for every kind of layer are one.
std::vector<SupportTable::Row> merged(const SupportTable& support) {
  std::vector<SupportTable::Row> rows;
  for (std::size_t begin = 0; begin < support.rows.size();) {
    const SupportTable::Row& first = support.rows[begin];
    std::size_t end = begin;
    bool same = true;
    for (; end < support.rows.size() && support.rows[end].types == first.types; ++end)
      same = same && support.rows[end].cells == first.cells;
    if (same) {
      rows.push_back({first.types, "any layer", first.cells});
    } else {
      rows.insert(rows.end(), support.rows.begin() + static_cast<std::ptrdiff_t>(begin),
                  support.rows.begin() + static_cast<std::ptrdiff_t>(end));
    }
    begin = end;
  }
  return rows;
}

void print(const SupportTable& support) {
  std::vector<std::string> heading = {"types", "layer"};
  heading.insert(heading.end(), support.columns.begin(), support.columns.end());
  Table table(heading, std::vector<Table::Align>(heading.size(), Table::Align::left));
  for (const SupportTable::Row& row : merged(support)) {
    std::vector<std::string> line = {row.types, row.layer};
    for (const SupportTable::Cell& cell : row.cells) line.push_back(text_of(cell));
    table.add(line);
  }
  table.print();
  for (std::size_t i = 0; i < support.reasons.size(); ++i) {
    fmt::print("[{}] {}\n", i + 1, support.reasons[i]);
  }
}

void print(const std::vector<Timing>& timings) {
  if (timings.empty()) return;
  using Align = Table::Align;
  Table table({"pass", "ms", "GMAC/s", "times cpu's speed"},
              {Align::left, Align::right, Align::right, Align::right});
  for (const Timing& timing : timings) {
    table.add({timing.name.substr(timing.name.find('/') + 1), fmt::format("{:.3f}", timing.seconds * 1e3),
               fmt::format("{:.1f}", static_cast<double>(timing.macs) / timing.seconds / 1e9),
               timing.cpu_seconds > 0 ? fmt::format("{:.2f}", timing.cpu_seconds / timing.seconds) : "-"});
  }
  fmt::print("\n");
  table.print();
}

void print_verdict(const conformance::Options& options, const Report& report) {
  const Check* closest = nullptr;
  const auto share = [](const Check& check) {
    return check.tolerance > 0 ? check.error / check.tolerance : 0;
  };
  std::map<std::string, int> unchecked;
  fmt::print("\n");
  for (const Check& check : report.checks) {
    if (check.outcome == Outcome::failed) fmt::print("FAILED {}: {}\n", check.name, check.detail);
    if (check.outcome == Outcome::unchecked) ++unchecked[check.detail];
    if (check.outcome == Outcome::passed && share(check) > (closest ? share(*closest) : 0)) closest = &check;
  }
  for (const auto& [reason, count] : unchecked) fmt::print("unchecked, {} times: {}\n", count, reason);
  if (closest) {
    fmt::print(
        "tolerance: L + 8 units of epsilon for a sum of L products; at most {:.0f} % of it was used ({})\n",
        100 * share(*closest), closest->name);
  }
  std::string counts;
  for (const Outcome outcome : kOutcomes)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", report.count(outcome), to_string(outcome));
  fmt::print("{} (seed {}, {} thread{})\n", counts, options.seed, threads(), threads() == 1 ? "" : "s");
}

int run_test(const Settings& settings) {
  settings.plugins.load();
  conformance::Options options = options_of(settings);
  LongWork work("devices test", "checks");
  options.progress = [&](std::int64_t done) { work.done(done); };
  const std::shared_ptr<Device> device = find_device(settings.name);
  const Report report = conformance::run(device, options);
  const bool to_stdout = settings.json == "-";
  if (!settings.json.empty()) {
    const Json object = to_json(*device, options, report);
    if (to_stdout) {
      print_json(object);
    } else {
      train::write_atomically(settings.json, to_text(object));
    }
  }
  if (!to_stdout) {
    fmt::print("{}: {}\n\n", device->name(), device->description());
    print(report.support);
    print(report.timings);
    print_verdict(options, report);
  }
  if (!report.checks.empty()) report_checks(settings.name);
  return report.passed() ? 0 : 1;
}

}  // namespace

void add_devices_test(const Command& devices) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      devices.add_command("test", "Hold a device against the reference: the conformance suite");
  command.add_option("NAME", settings->name, "device; `satsuma devices` lists them").required();
  settings->plugins.add_to(command);
  command
      .add_option("--mode", settings->modes,
                  "correctness, gradient, performance, support; may be repeated [all but performance]")
      .split_at_commas();
  command.add_option("--filter", settings->filter, "only checks with a name like this shell pattern")
      .show_default();
  command.add_option("--seed", settings->seed, "of operands and drawn shapes").show_default();
  command.add_option("--json", settings->json, "one JSON object to this file, or to standard output: -");
  command.footer(
      "Exit status 1 when a check failed. What a device refuses is no failure; the table shows it.\n"
      "Example: satsuma devices test cpu --filter '*/2:8/*'");
  command.run([settings] { return run_test(*settings); });
}

}  // namespace satsuma::tools
