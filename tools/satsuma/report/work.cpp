#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "src/core/json.hpp"
#include "tools/satsuma/bar_chart.hpp"
#include "tools/satsuma/drawing.hpp"
#include "tools/satsuma/page.hpp"
#include "tools/satsuma/report/line_chart.hpp"
#include "tools/satsuma/report/sections.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct StepPart {
  std::string_view key;
  std::string_view name;
  std::string_view fill;
};
constexpr std::array<StepPart, 4> kStepParts = {{{"data", "waiting for data", colour::grey},
                                                 {"forward", "forward", colour::blue},
                                                 {"backward", "backward", colour::orange},
                                                 {"update", "update", colour::green}}};
constexpr std::array<StepPart, 3> kPasses = {
    {{"FF", "FF", colour::blue}, {"BP", "BP", colour::orange}, {"WU", "WU", colour::green}}};

template <typename Parts>
std::vector<std::pair<std::string_view, std::string>> legend_of(const Parts& parts) {
  std::vector<std::pair<std::string_view, std::string>> legend;
  for (const auto& part : parts) legend.emplace_back(part.fill, part.name);
  return legend;
}

std::string milliseconds(double value) {
  return fmt::format("{:.3g} ms", value);
}

std::string shape_text(const Json& shape) {
  std::string text;
  if (!shape.is_array()) return text;
  for (const Json& size : shape) {
    if (size.is_number_integer())
      text += fmt::format("{}{}", text.empty() ? "" : "x", size.get<std::int64_t>());
  }
  return text;
}

std::string pass_text(const Json& pass) {
  if (const Json& runs = value_at(pass, "run"); runs.is_boolean() && !runs.get<bool>()) return "not run";
  const std::string operand = text_at(pass, "operand");
  return operand == "dense" || operand.empty() ? "dense" : fmt::format("{} {}", text_at(pass, "nm"), operand);
}

std::string layers_of(const Run& run) {
  const Json& layers = value_at(run.about, "layers");
  if (!layers.is_array() || layers.empty()) return {};
  BarChart chart;
  chart.label = fmt::format("Multiply-adds an image of each layer of {}, by pass", run.name);
  chart.axis = "multiply-adds an image, executed; behind each bar what is saved";
  chart.value_text = short_count;
  chart.legend = legend_of(kPasses);
  chart.left = 180;
  std::vector<std::vector<std::string>> rows;
  for (const Json& layer : layers) {
    const std::string name = text_at(layer, "name");
    Bar bar{name.size() > 26 ? "..." + name.substr(name.size() - 23) : name, {}, ""};
    std::vector<std::string> row = {name, shape_text(value_at(layer, "weight")),
                                    shape_text(value_at(layer, "output"))};
    double executed = 0, dense = 0;
    for (const StepPart& pass : kPasses) {
      const Json& of = value_at(value_at(layer, "passes"), pass.key);
      const double macs = number_at(of, "macs").value_or(0);
      executed += macs;
      dense += number_at(of, "dense_macs").value_or(0);
      bar.pieces.push_back({std::string(pass.name), macs, pass.fill});
      row.push_back(pass_text(of));
    }
    const std::string saved = dense > 0 ? fmt::format("{:.0f} %", 100 * (1 - executed / dense)) : "-";
    bar.label = dense > executed ? saved : "dense";
    row.insert(row.end(), {short_count(dense), short_count(executed), saved});
    chart.bars.push_back(std::move(bar));
    rows.push_back(std::move(row));
  }
  return wide("Operations by layer", chart.svg()) +
         fold("As a table",
              wide("Table of operations by layer", table({"layer", "weight", "output", "FF", "BP", "WU",
                                                          "multiply-adds, dense", "executed", "saved"},
                                                         rows)),
              false);
}

/// Where N:M changes with time, since when it is what.
std::string patterns_text(const Run& run) {
  std::string text, now;
  int changes = 0;
  for (const auto* const points : {&run.intervals, &run.epochs}) {
    if (!now.empty()) break;
    for (const RunPoint& point : *points) {
      const std::string nm = text_at(point.fields, "nm");
      if (nm.empty() || nm == now) continue;
      text += fmt::format("{}{} from step {:g}", text.empty() ? "" : ", ", nm, now.empty() ? 0 : point.step);
      now = nm;
      ++changes;
    }
  }
  return changes > 1 ? fmt::format("<p>N:M over time: {} (as logged).</p>\n", text) : "";
}

/// Share of kept positions that changed, by layer, at an epoch.
struct MaskChange {
  double epoch = 0;
  std::vector<std::pair<std::string, double>> layers;

  double mean() const {
    double sum = 0;
    for (const auto& [name, share] : layers) sum += share;
    return layers.empty() ? 0 : sum / static_cast<double>(layers.size());
  }
};

std::vector<MaskChange> mask_changes(const Run& run) {
  std::vector<MaskChange> changes;
  for (const RunPoint& point : run.epochs) {
    const Json& layers = value_at(point.fields, "mask_changes");
    if (!layers.is_object()) continue;
    MaskChange change{point.value("epoch").value_or(0), {}};
    for (const auto& [name, share] : layers.items()) {
      if (share.is_number()) change.layers.emplace_back(name, share.get<double>());
    }
    if (!change.layers.empty()) changes.push_back(std::move(change));
  }
  return changes;
}

/// Layers from top to bottom, epochs from left to right; the fuller the colour, the more has changed.
std::string mask_map(const Run& run, const std::vector<MaskChange>& changes) {
  constexpr double kLeft = 180, kRow = 16, kTop = 22, kPlot = 420;
  double most = 0;
  std::map<std::string, std::size_t> row_of;
  std::vector<std::string> names;
  for (const MaskChange& change : changes) {
    for (const auto& [name, share] : change.layers) {
      most = std::max(most, share);
      if (row_of.try_emplace(name, names.size()).second) names.push_back(name);
    }
  }
  if (!(most > 0)) return {};
  Drawing drawing;
  const double cell = kPlot / static_cast<double>(changes.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    drawing.text(kLeft - 8, kTop + kRow * static_cast<double>(i) + 12, names[i], Drawing::Anchor::end,
                 "small");
  for (std::size_t i = 0; i < changes.size(); ++i) {
    for (const auto& [name, share] : changes[i].layers) {
      drawing.rect(kLeft + cell * static_cast<double>(i), kTop + kRow * static_cast<double>(row_of[name]),
                   cell - (cell > 4 ? 1 : 0), kRow - 1, colour::blue,
                   fmt::format("{}, epoch {:g}: {:.2f} %", name, changes[i].epoch, 100 * share),
                   std::max(0.03, share / most));
    }
  }
  const double bottom = kTop + kRow * static_cast<double>(names.size());
  drawing.text(kLeft, 14,
               fmt::format("pale: nothing changes; full: {:.2g} % of the kept positions", 100 * most),
               Drawing::Anchor::start, "small");
  drawing.text(kLeft, bottom + 16, fmt::format("epoch {:g}", changes.front().epoch), Drawing::Anchor::start,
               "small");
  drawing.text(kLeft + kPlot, bottom + 16, fmt::format("epoch {:g}", changes.back().epoch),
               Drawing::Anchor::end, "small");
  return drawing.svg(kLeft + kPlot + 10, bottom + 26,
                     fmt::format("Share of kept positions of {} that changed, by layer and epoch", run.name));
}

}  // namespace

std::string time_section(const std::vector<Run>& runs) {
  BarChart chart;
  chart.label = "Where the time of a training step goes";
  chart.axis = "milliseconds a step, mean";
  chart.value_text = milliseconds;
  chart.legend = legend_of(kStepParts);
  for (const Run& run : runs) {
    std::map<std::string_view, double> seconds;
    double steps = 0, before = 0;
    for (const RunPoint& point : run.intervals) {
      const Json& time = value_at(point.fields, "time");
      if (time.is_object()) {
        for (const StepPart& part : kStepParts) seconds[part.key] += number_at(time, part.key).value_or(0);
        steps += point.step - before;
      }
      before = point.step;
    }
    if (!(steps > 0)) continue;
    Bar bar{run.name, {}, ""};
    for (const StepPart& part : kStepParts)
      bar.pieces.push_back({std::string(part.name), 1e3 * seconds[part.key] / steps, part.fill});
    bar.label = milliseconds(bar.length());
    chart.bars.push_back(std::move(bar));
  }
  return section("Time of a step", "As the log says it; evaluation and saving are not steps.", chart.svg());
}

std::string layers_section(const std::vector<Run>& runs) {
  std::string content;
  for (const Run& run : runs) content += fold(run.name, patterns_text(run) + layers_of(run), content.empty());
  if (content.empty()) return {};
  return "<h2>N:M and operations by layer</h2>\n<p>Per image, as layers were configured when the run began. "
         "N:M pruned: the operand of that pass.</p>\n" +
         content;
}

std::string masks_section(const std::vector<Run>& runs) {
  LineChart chart;
  chart.title = "kept positions that changed, mean of layers";
  chart.x_name = "epochs";
  chart.from_zero = true;
  chart.y_text = [](double value) { return fmt::format("{:.3g} %", 100 * value); };
  std::string maps;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::vector<MaskChange> changes = mask_changes(runs[i]);
    if (changes.empty()) continue;
    ChartLine line{runs[i].name, colour_of_run(i), {}};
    line.dashed = dashed_run(i);
    line.dotted = true;
    for (const MaskChange& change : changes) line.points.emplace_back(change.epoch, change.mean());
    chart.lines.push_back(std::move(line));
    maps += fold(runs[i].name, wide("Changes by layer and epoch", mask_map(runs[i], changes)), maps.empty());
  }
  const std::string picture = chart.svg();
  if (picture.empty()) return {};
  return "<h2>Masks over time</h2>\n<p>Which of M neighbours are kept is chosen anew as weights move; the "
         "share of kept positions that are others than an epoch before.</p>\n" +
         charts({picture}) + maps;
}

}  // namespace satsuma::tools
