#include <fmt/core.h>

#include <algorithm>

#include "satsuma/train/recipe.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/page.hpp"
#include "tools/satsuma/report/sections.hpp"

namespace satsuma::tools {

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

std::string value_of(const Values& values, const std::string& key) {
  for (const auto& [name, value] : values) {
    if (name == key) return value.empty() ? "(empty)" : value;
  }
  return "-";
}

/// Keys in the order in which they are met first.
std::vector<std::string> keys_of(const std::vector<const Values*>& columns) {
  std::vector<std::string> keys;
  for (const Values* const values : columns) {
    for (const auto& [key, value] : *values) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

/// A row for each key that is not the same in all columns; `out` says nothing of what a run computes.
std::string differences(const std::vector<std::string>& heading, const std::vector<const Values*>& columns) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& key : keys_of(columns)) {
    if (key == "out") continue;
    std::vector<std::string> row = {key};
    for (const Values* const values : columns) row.push_back(value_of(*values, key));
    if (std::all_of(row.begin() + 2, row.end(), [&](const auto& value) { return value == row[1]; })) continue;
    rows.push_back(std::move(row));
  }
  return rows.empty() ? "" : table(heading, rows);
}

std::string all_settings(const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : run.config) rows.push_back({key, value});
  return rows.empty() ? "" : table({"setting", run.name}, rows);
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "-" : json_text(value);
}

std::string machine_value(const Run& run, const char* key) {
  return text_of(value_at(value_at(run.about, "machine"), key));
}

/// Ranks that have trained together, and how they have waited for each other in the latest epoch.
std::string ranks_of(const Run& run) {
  const double ranks = number_at(run.about, "ranks").value_or(1);
  std::string text = fmt::format("{}", ranks);
  if (ranks < 2 || run.epochs.empty()) return text;
  const RunPoint& latest = run.epochs.back();
  const auto waiting = latest.value("waiting"), slowest = latest.value("slowest_rank"),
             least = latest.value("slowest_waiting");
  if (!waiting || !slowest || !least) return text;
  return text + fmt::format("; they wait {:.1f} %, the slowest, rank {}, {:.1f} %", 100 * *waiting, *slowest,
                            100 * *least);
}

}  // namespace

std::string settings_section(const std::vector<Run>& runs) {
  std::vector<std::string> heading = {"setting"};
  std::vector<const Values*> columns;
  Values defaults;
  if (runs.size() == 1) {
    defaults = config_lines(train::to_toml(train::Recipe()));
    columns.push_back(&defaults);
    heading.emplace_back("default");
  }
  for (const Run& run : runs) {
    if (run.config.empty()) continue;
    columns.push_back(&run.config);
    heading.push_back(run.name);
  }
  if (columns.size() < 2) return {};
  std::string differing = differences(heading, columns);
  if (differing.empty()) differing = "<p>All settings are the same.</p>\n";
  std::string text = section("Settings",
                             runs.size() == 1 ? "Those that are not the defaults of this version."
                                              : "Those in which the runs differ.",
                             differing);
  for (const Run& run : runs)
    text += fold("All settings of " + run.name, wide("Settings of " + run.name, all_settings(run)), false);
  return text;
}

std::string environment_section(const std::vector<Run>& runs) {
  const std::vector<std::string> heading = {
      "run",    "begun",   "processor", "instruction set", "ranks", "threads of cores",
      "device", "Satsuma", "compiler"};
  std::vector<std::vector<std::string>> rows;
  std::string without;
  for (const Run& run : runs) {
    if (!run.about.contains("machine")) {
      without += (without.empty() ? "" : ", ") + run.name;
      continue;
    }
    rows.push_back(
        {run.name, text_at(run.about, "started"), machine_value(run, "cpu"), machine_value(run, "isa"),
         ranks_of(run), fmt::format("{} of {}", machine_value(run, "threads"), machine_value(run, "cores")),
         text_at(run.about, "device"), machine_value(run, "satsuma"), machine_value(run, "compiler")});
  }
  std::string note = "Where the run, or its latest continuation, was begun.";
  if (!without.empty()) note += fmt::format(" Not known: {}, begun by an earlier version.", without);
  return section("Environment", note, rows.empty() ? "<p>No run says.</p>\n" : table(heading, rows));
}

}  // namespace satsuma::tools
