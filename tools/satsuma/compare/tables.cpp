#include "tools/satsuma/compare/tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "satsuma/train/progress.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/short_text.hpp"

namespace satsuma::tools::compare {

namespace {

std::string percent(double share) {
  return fmt::format("{:.2f} %", 100 * share);
}

std::string difference_text(const Row& row) {
  const Interval& difference = row.difference;
  if (difference.count == 0) return "-";
  if (!difference.half) return fmt::format("{:+.2f}", 100 * difference.mean);
  return fmt::format("{:+.2f} ({:+.2f} to {:+.2f})", 100 * difference.mean, 100 * difference.low(),
                     100 * difference.high());
}

std::string runs_text(const Row& row) {
  std::string text = fmt::format("{}", row.runs());
  if (row.failed > 0) text += fmt::format(", {} failed", row.failed);
  if (row.missing > 0) text += fmt::format(", {} missing", row.missing);
  return text;
}

/// A bar ends a cell, also that of a layer expression; the end of a line ends the row, and `<` begins a tag.
std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') {
      escaped += "\\|";
    } else if (c == '<') {
      escaped += "&lt;";
    } else {
      escaped += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return escaped;
}

std::string target_time(const Row& row) {
  if (!row.seconds_to_target) return "-";
  const std::string time = train::format_duration(*row.seconds_to_target);
  return row.reached == row.runs() ? time : fmt::format("{} ({} of {})", time, row.reached, row.runs());
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::vector<std::string> heading() {
  return {"variant",       "runs",     "test accuracy", "deviation of a seed", "difference, 95 % interval",
          "multiply-adds", "training", "speed-up",      "time to target",      "SAT, modelled"};
}

std::vector<std::vector<std::string>> cells(const Results& results) {
  std::vector<std::vector<std::string>> rows;
  for (const Row& row : results.rows) {
    if (row.runs() == 0) {
      rows.push_back({row.variant->name, runs_text(row), "-", "-", "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const auto spread = deviation(row.accuracies);
    const bool first = &row == &results.rows.front();
    rows.push_back(
        {row.variant->name, runs_text(row), percent(mean(row.accuracies)),
         spread ? fmt::format("{:.2f}", 100 * *spread) : "-", first ? "-" : difference_text(row),
         short_count(row.macs), train::format_duration(row.seconds),
         row.speedup > 0 ? fmt::format("{:.2f}x", row.speedup) : "-", target_time(row),
         row.sat ? fmt::format("{}, {:.3g} J", train::format_duration(row.sat->seconds), row.sat->joules)
                 : "-"});
  }
  return rows;
}

std::string target_text(const Results& results) {
  if (!results.target)
    return "There is no time to a target: the first row has no run with validation images to take it from.";
  return fmt::format(
      "The target is {:.2f} % of the validation images, {:g} points below the first row's last epoch; the "
      "time is that of training to the end of the epoch that first reached it.",
      100 * *results.target, 100 * results.margin);
}

std::string to_markdown(const Results& results, const std::string& title) {
  std::string text = fmt::format("# {}\n\n", title);
  const std::vector<std::string> names = heading();
  text += fmt::format("| {} |\n|{}\n", fmt::join(names, " | "), [&] {
    std::string line;
    for (std::size_t i = 0; i < names.size(); ++i) line += "---|";
    return line;
  }());
  for (std::vector<std::string> row : cells(results)) {
    for (std::string& cell : row) cell = markdown_cell(cell);
    text += fmt::format("| {} |\n", fmt::join(row, " | "));
  }
  text += fmt::format("\n{}", target_text(results)) +
          " Differences are in points, to the first row, paired by seed; intervals by Student's t.\n\n";
  for (const Row& row : results.rows) {
    if (&row != &results.rows.front() && row.runs() > 0)
      text += fmt::format("- {}: {}.\n", markdown_cell(row.variant->name), verdict(row));
  }
  return text;
}

std::string to_csv(const Results& results) {
  std::string text =
      "variant,method,nm,runs,failed,missing,accuracy_mean,accuracy_deviation,difference,"
      "difference_low,difference_high,macs,seconds,speedup,seconds_to_target,sat_seconds,"
      "sat_joules\n";
  const auto number = [](const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : std::string();
  };
  for (const Row& row : results.rows) {
    const bool any = row.runs() > 0;
    const Interval& difference = row.difference;
    const auto bound = [&](double value) { return difference.half ? std::optional(value) : std::nullopt; };
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(row.variant->name),
        csv_cell(row.variant->method()), csv_cell(row.variant->pattern()), row.runs(), row.failed,
        row.missing, any ? fmt::format("{}", mean(row.accuracies)) : "", number(deviation(row.accuracies)),
        difference.count > 0 ? fmt::format("{}", difference.mean) : "", number(bound(difference.low())),
        number(bound(difference.high())), any ? fmt::format("{:.0f}", row.macs) : "",
        any ? fmt::format("{}", row.seconds) : "", row.speedup > 0 ? fmt::format("{}", row.speedup) : "",
        number(row.seconds_to_target), row.sat ? fmt::format("{}", row.sat->seconds) : "",
        row.sat ? fmt::format("{}", row.sat->joules) : "");
  }
  return text;
}

Json to_json(const Results& results) {
  Json rows = Json::array();
  for (const Row& row : results.rows) {
    const bool any = row.runs() > 0;
    const Interval& difference = row.difference;
    rows.push_back({{"variant", row.variant->name},
                    {"method", row.variant->method()},
                    {"nm", row.variant->pattern()},
                    {"runs", row.runs()},
                    {"failed", row.failed},
                    {"missing", row.missing},
                    {"seeds", row.seeds},
                    {"accuracies", row.accuracies},
                    {"accuracy_mean", any ? Json(mean(row.accuracies)) : Json()},
                    {"accuracy_deviation", number_or_null(deviation(row.accuracies))},
                    {"difference", difference.count > 0 ? Json(difference.mean) : Json()},
                    {"interval", difference.half ? Json({difference.low(), difference.high()}) : Json()},
                    {"verdict", any ? Json(verdict(row)) : Json()},
                    {"macs", any ? Json(row.macs) : Json()},
                    {"seconds", any ? Json(row.seconds) : Json()},
                    {"speedup", row.speedup > 0 ? Json(row.speedup) : Json()},
                    {"reached_target", row.reached},
                    {"seconds_to_target", number_or_null(row.seconds_to_target)},
                    {"sat_seconds", row.sat ? Json(row.sat->seconds) : Json()},
                    {"sat_joules", row.sat ? Json(row.sat->joules) : Json()},
                    {"frontier_macs", row.frontier_macs},
                    {"frontier_seconds", row.frontier_seconds}});
  }
  return {{"base", results.rows.front().variant->name},
          {"target", number_or_null(results.target)},
          {"rows", rows}};
}

}  // namespace satsuma::tools::compare
