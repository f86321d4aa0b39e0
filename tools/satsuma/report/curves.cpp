#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>

#include "tools/satsuma/page.hpp"
#include "tools/satsuma/report/line_chart.hpp"
#include "tools/satsuma/report/sections.hpp"
#include "tools/satsuma/short_text.hpp"

namespace satsuma::tools {

namespace {

/// What curves may be drawn over.
struct Axis {
  std::string_view key;   ///< in the page
  std::string_view name;  ///< on the tab
  std::function<std::optional<double>(const RunPoint&)> place;
  std::string title;  ///< below the axis, with its unit
  double unit = 1;
  std::function<std::string(double)> text = {};
};

double furthest(const std::vector<Run>& runs, const Axis& axis) {
  double most = 0;
  for (const Run& run : runs) {
    for (const auto* const points : {&run.intervals, &run.epochs}) {
      for (const RunPoint& point : *points) most = std::max(most, axis.place(point).value_or(0));
    }
  }
  return most;
}

std::array<Axis, 4> axes_of(const std::vector<Run>& runs) {
  std::array<Axis, 4> axes = {
      {{"step", "steps", [](const RunPoint& point) { return point.step; }, "steps"},
       {"epoch", "epochs", [](const RunPoint& point) { return point.epoch; }, "epochs"},
       {"time", "time", [](const RunPoint& point) { return point.seconds; }, "seconds"},
       {"macs", "operations", [](const RunPoint& point) { return point.macs; }, "multiply-adds executed"}}};
  axes[0].text = axes[3].text = short_count;
  const double seconds = furthest(runs, axes[2]);
  if (seconds > 3 * 3600) {
    axes[2].unit = 3600;
    axes[2].title = "hours";
  } else if (seconds > 180) {
    axes[2].unit = 60;
    axes[2].title = "minutes";
  }
  axes[2].title += " of training";
  return axes;
}

using Points = std::vector<RunPoint> Run::*;

ChartLine line_of(const Run& run, std::size_t index, Points points, std::string_view key, const Axis& axis) {
  ChartLine line{run.name, colour_of_run(index), {}};
  line.dashed = dashed_run(index);
  for (const RunPoint& point : run.*points) {
    const auto x = axis.place(point);
    const auto y = point.value(key);
    if (x && y) line.points.emplace_back(*x / axis.unit, *y);
  }
  return line;
}

/// The training's own figures behind those of the images held out.
std::string pair_chart(const std::vector<Run>& runs, const Axis& axis, std::string_view what,
                       std::string_view held_out) {
  LineChart chart;
  chart.title = fmt::format("{}: training (pale), {}", what, held_out);
  chart.x_name = axis.title;
  chart.x_text = axis.text;
  if (what == "accuracy") chart.y_text = [](double value) { return fmt::format("{:.4g} %", 100 * value); };
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ChartLine training = line_of(runs[i], i, &Run::intervals, what, axis);
    // A run of few steps has no interval in its log.
    if (training.points.empty()) training = line_of(runs[i], i, &Run::epochs, what, axis);
    training.name += ", training";
    training.faint = true;
    chart.lines.push_back(std::move(training));
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    ChartLine line = line_of(runs[i], i, &Run::epochs, fmt::format("{}_{}", runs[i].held_out(), what), axis);
    line.dotted = true;
    chart.lines.push_back(std::move(line));
  }
  return chart.svg();
}

std::string rate_chart(const std::vector<Run>& runs, const Axis& axis) {
  LineChart chart;
  chart.title = "learning rate";
  chart.x_name = axis.title;
  chart.x_text = axis.text;
  chart.from_zero = true;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool has_intervals = !runs[i].intervals.empty();
    chart.lines.push_back(line_of(runs[i], i, has_intervals ? &Run::intervals : &Run::epochs, "lr", axis));
  }
  return chart.svg();
}

std::string held_out_name(const std::vector<Run>& runs) {
  bool validation = false, test = false;
  for (const Run& run : runs) (run.held_out() == "val" ? validation : test) = true;
  return validation && test ? "validation or test" : validation ? "validation" : "test";
}

std::string epochs_table(const std::vector<Run>& runs) {
  std::vector<std::vector<std::string>> rows;
  const auto text = [](std::optional<double> value, double factor, const char* unit) {
    return value ? fmt::format("{:.4g}{}", factor * *value, unit) : std::string("-");
  };
  for (const Run& run : runs) {
    for (const RunPoint& point : run.epochs) {
      rows.push_back({run.name, fmt::format("{:g}", point.value("epoch").value_or(0)),
                      fmt::format("{:g}", point.step), text(point.value("loss"), 1, ""),
                      text(point.value("accuracy"), 100, " %"),
                      text(point.value(fmt::format("{}_loss", run.held_out())), 1, ""),
                      text(point.value(fmt::format("{}_accuracy", run.held_out())), 100, " %"),
                      text(point.value("lr"), 1, ""), text(point.seconds, 1, " s"),
                      point.macs ? short_count(*point.macs) : "-"});
    }
  }
  if (rows.empty()) return {};
  const std::string held_out = held_out_name(runs);
  return table({"run", "epoch", "step", "training loss", "training accuracy", held_out + " loss",
                held_out + " accuracy", "learning rate", "time", "multiply-adds"},
               rows);
}

}  // namespace

std::string curves_section(const std::vector<Run>& runs) {
  std::string tabs, panels;
  const std::string held_out = held_out_name(runs);
  for (const Axis& axis : axes_of(runs)) {
    if (!(furthest(runs, axis) > 0)) continue;
    const std::string pictures =
        charts({pair_chart(runs, axis, "loss", held_out), pair_chart(runs, axis, "accuracy", held_out),
                rate_chart(runs, axis)});
    if (pictures.empty()) continue;
    tabs += fmt::format(
        "<input type=\"radio\" name=\"axis\" id=\"axis-{0}\"{2}/><label for=\"axis-{0}\">{1}</label>\n",
        axis.key, axis.name, tabs.empty() ? " checked=\"checked\"" : "");
    panels += fmt::format("<div class=\"panel panel-{}\">\n{}</div>\n", axis.key, pictures);
  }
  if (tabs.empty()) return {};
  return fmt::format(
             "<h2 id=\"curves\">Curves</h2>\n{}<fieldset class=\"tabs\"><legend>Drawn "
             "over</legend>\n{}{}</fieldset>\n",
             legend_of_runs(runs), tabs, panels) +
         fold("The figures of each epoch", wide("Figures of each epoch", epochs_table(runs)), false);
}

}  // namespace satsuma::tools
