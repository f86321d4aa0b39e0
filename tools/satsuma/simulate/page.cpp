#include "tools/satsuma/simulate/page.hpp"

#include <fmt/core.h>

#include "tools/satsuma/page.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"
#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

std::string headline(const sat::Report& report) {
  const sat::Run& run = report.run;
  const sat::Counts total = run.timing.total();
  std::string text = "<div class=\"figures\">\n";
  for (const sat::Run& other : report.compared) {
    if (other.method == "dense" && run.method != "dense")
      text += figure(fmt::format("{:.2f}x", report.speedup_over(other)), "over dense");
  }
  text += figure(seconds_text(run.config.seconds(total.cycles)), "a step");
  text += figure(rate_text(run.timing.images_per_second(run.config)), "images/s");
  text += figure(cycles_text(total.cycles), "cycles");
  text += figure(fmt::format("{:.1f} %", 100 * total.utilization(run.config)), "utilisation");
  text += figure(fmt::format("{:.3g} J", total.energy.total()), "a step [A]");
  text += figure(fmt::format("{:.3g}", total.gops_per_watt()), "GOPS/W [A]");
  return text + "</div>\n";
}

std::string layers_table(const sat::Run& run) {
  std::vector<std::string> heading = {"layer", "pass", "N:M", "dataflow", "cycles", "utilisation"};
  for (const auto& cause : kStallCauses) heading.emplace_back(cause.name);
  heading.insert(heading.end(), {"DRAM", "J"});
  std::vector<std::vector<std::string>> rows;
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const sat::PassTiming& timing : layer.pass) {
      if (!timing.run) continue;
      std::vector<std::string> cells = {layer.name,
                                        std::string(to_string(timing.pass)),
                                        timing.pattern.dense() ? "" : to_string(timing.pattern),
                                        std::string(sat::to_string(timing.schedule.dataflow)),
                                        cycles_text(timing.cycles),
                                        fmt::format("{:.1f} %", 100 * timing.utilization(run.config))};
      for (const auto& cause : kStallCauses) cells.push_back(cycles_text(timing.stalls.*cause.value));
      cells.push_back(bytes_text(static_cast<double>(timing.read.total() + timing.written.total())));
      cells.push_back(fmt::format("{:.3g}", timing.energy.total()));
      rows.push_back(std::move(cells));
    }
  }
  return table(heading, rows);
}

std::string sweep_table(const sat::Sweep& sweep) {
  if (sweep.axes.empty()) return {};
  std::vector<std::string> heading;
  for (const sat::SweepAxis& axis : sweep.axes) heading.push_back(axis.key);
  heading.insert(heading.end(), {"cycles", "a step", "images/s", "J/image", "Pareto front"});
  std::vector<std::vector<std::string>> rows;
  for (const sat::SweepPoint& point : sweep.points) {
    std::vector<std::string> cells = point.values;
    if (point.refused.empty()) {
      cells.insert(cells.end(), {cycles_text(point.total.cycles), seconds_text(point.seconds),
                                 rate_text(point.images_per_second),
                                 fmt::format("{:.4g}", point.joules_per_image), point.pareto ? "yes" : ""});
    } else {
      cells.insert(cells.end(), {"cannot run: " + point.refused, "", "", "", ""});
    }
    rows.push_back(std::move(cells));
  }
  return table(heading, rows);
}

std::string config_table(const sat::Config& config) {
  std::string text =
      "<table>\n<tr><th>key</th><th>value</th><th>unit</th><th>origin</th><th class=\"text\">meaning</th>"
      "<th class=\"text\">why this value</th></tr>\n";
  for (const sat::ConfigKey& key : sat::config_keys()) {
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>[{}]</td><td class=\"text\">{}</td><td "
        "class=\"text\">{}</td></tr>\n",
        escaped(key.key), escaped(key.text(config)), escaped(key.unit), sat::to_string(key.origin),
        escaped(key.help), escaped(key.reason));
  }
  return text + "</table>\n";
}

}  // namespace

std::string html_page(const sat::Report& report) {
  const sat::Run& run = report.run;
  const std::string method = method_text(run.method, run.pattern);
  const std::string title = fmt::format("{}{}{}, batch {}", run.workload.name, method.empty() ? "" : ", ",
                                        method, run.timing.batch);
  std::string body =
      fmt::format("<h1>{}</h1>\n<p>Simulated on SAT, {}: {} x {} USPEs at {:g} MHz. {}</p>\n", escaped(title),
                  escaped(run.config.card), run.config.rows, run.config.columns, run.config.clock_mhz,
                  "Values marked [A] are assumed, not from the paper; the last table says why.");
  body += headline(report);
  body += section("Speed-up", "The same step on the same accelerator under other methods.",
                  speedup_chart(report));
  body += section("Layers", "Rest the pointer on a mark for its figures.", layers_chart(report));
  body += section("A step in time",
                  "How long each engine works in a pass is simulated, when in the pass is drawn.",
                  timeline_chart(report));
  body += section("Roofline", "What is executed, zeros left out.", roofline_chart(report));
  body += section("Traffic", "Between DRAM and chip.", traffic_chart(report));
  body += section("Energy", "Constants times counts.", energy_chart(report));
  body += section("Techniques", "One switched off at a time.", ablation_chart(report));
  body += section("Sweep", "Every combination of the values given.",
                  sweep_chart(report) + sweep_table(report.sweep));
  body += section("All layers", "Cycles; stalls by cause.", layers_table(run));
  body += section("Configuration", "[P]: the paper says so. [A]: assumed.", config_table(run.config));
  return document({.title = title, .body = body});
}

}  // namespace satsuma::tools
