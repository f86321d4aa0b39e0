#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "tools/satsuma/bar_chart.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/simulate/charts.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

std::string speedup_chart(const sat::Report& report) {
  std::vector<Bar> all;
  for (const sat::Run& other : report.compared) {
    if (other.method == report.run.method) continue;
    const double speedup = report.speedup_over(other);
    all.push_back({"over " + method_text(other.method, other.pattern),
                   {{"cycles over cycles", speedup, colour::blue}},
                   fmt::format("{:.2f}x", speedup)});
  }
  return BarChart{
      .label = "Speed-up over other methods",
      .axis = "times as fast",
      .value_text = [](double value) { return fmt::format("{:g}x", std::round(value * 100) / 100); },
      .bars = all}
      .svg();
}

std::string traffic_chart(const sat::Report& report) {
  std::vector<Bar> all;
  for (const PassColour& pass : kPassColours) {
    const sat::Counts counts = report.run.timing.total(pass.pass);
    for (const bool read : {true, false}) {
      const sat::Bytes& bytes = read ? counts.read : counts.written;
      if (bytes.total() == 0) continue;
      Bar bar{fmt::format("{} {}", pass.name, read ? "read" : "written"),
              {},
              bytes_text(static_cast<double>(bytes.total()))};
      for (const auto& operand : kOperands)
        bar.pieces.push_back(
            {std::string(operand.name), static_cast<double>(bytes.*operand.value), operand.fill});
      all.push_back(std::move(bar));
    }
  }
  return BarChart{.label = "Traffic between DRAM and chip by operand",
                  .axis = "bytes a step",
                  .value_text = bytes_text,
                  .legend = legend_of(kOperands),
                  .bars = all}
      .svg();
}

std::string energy_chart(const sat::Report& report) {
  std::vector<Bar> all;
  const auto add = [&](const sat::Run& run) {
    const sat::Energy energy = run.timing.total().energy;
    Bar bar{run.method.empty() ? "step" : method_text(run.method, run.pattern),
            {},
            fmt::format("{:.3g} J", energy.total())};
    for (const auto& part : kEnergies)
      bar.pieces.push_back({std::string(part.name), energy.*part.value, part.fill});
    all.push_back(std::move(bar));
  };
  add(report.run);
  for (const sat::Run& other : report.compared) {
    if (other.method != report.run.method) add(other);
  }
  return BarChart{.label = "Energy of a step by component",
                  .axis = "joules a step, all constants assumed [A]",
                  .value_text = [](double value) { return fmt::format("{:.3g} J", value); },
                  .legend = legend_of(kEnergies),
                  .bars = all}
      .svg();
}

std::string ablation_chart(const sat::Report& report) {
  if (report.ablations.empty()) return {};
  const auto bar = [](const std::string& name, std::int64_t cycles) {
    return Bar{name, {{"cycles", static_cast<double>(cycles), colour::blue}}, cycles_text(cycles)};
  };
  std::vector<Bar> all = {bar("everything on", report.run.timing.total().cycles)};
  for (const sat::Ablation& ablation : report.ablations)
    all.push_back(bar("no " + ablation.without, ablation.cycles));
  return BarChart{.label = "Cycles of a step without each technique",
                  .axis = "cycles a step",
                  .value_text = short_count,
                  .bars = all}
      .svg();
}

}  // namespace satsuma::tools
