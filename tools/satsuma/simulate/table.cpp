#include "tools/satsuma/simulate/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>

#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/simulate/quantities.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

using enum Table::Align;

constexpr std::array<Pass, 3> kPasses = {Pass::ff, Pass::bp, Pass::wu};

std::string share(std::int64_t part, std::int64_t all) {
  return all > 0 ? fmt::format("{:.0f} %", 100 * static_cast<double>(part) / static_cast<double>(all)) : "-";
}

std::string bytes_of(const sat::Counts& counts) {
  return short_bytes(static_cast<std::size_t>(counts.read.total() + counts.written.total()));
}

/// `OS 3.21 M  96 %`: dataflow, cycles, utilisation.
std::string pass_cell(const sat::PassTiming& timing, const sat::Config& config) {
  if (!timing.run) return "-";
  return fmt::format("{} {:>7} {:>3.0f} %", sat::to_string(timing.schedule.dataflow),
                     cycles_text(timing.cycles), 100 * timing.utilization(config));
}

/// `7 % memory`: what the array waits for most.
std::string main_stall(const sat::Counts& counts) {
  const auto& most = *std::max_element(
      kStallCauses.begin(), kStallCauses.end(),
      [&](const auto& a, const auto& b) { return counts.stalls.*a.value < counts.stalls.*b.value; });
  if (counts.stalls.*most.value == 0) return "-";
  return fmt::format("{} {}", share(counts.stalls.*most.value, counts.cycles), most.name);
}

/// Rows of `layer1.0.conv1` and its equals are one, named after the first.
struct LayerGroup {
  const sat::LayerTiming* timing;
  std::int64_t times;
};

bool same(const sat::LayerTiming& a, const sat::LayerTiming& b) {
  return std::all_of(kPasses.begin(), kPasses.end(), [&](Pass pass) {
    return a[pass].run == b[pass].run && a[pass].cycles == b[pass].cycles && a[pass].macs == b[pass].macs &&
           a[pass].dense_macs == b[pass].dense_macs && a[pass].schedule == b[pass].schedule;
  });
}

std::vector<LayerGroup> grouped(const std::vector<sat::LayerTiming>& layers) {
  std::vector<LayerGroup> groups;
  for (const sat::LayerTiming& layer : layers) {
    const auto twin = std::find_if(groups.begin(), groups.end(),
                                   [&](const LayerGroup& group) { return same(*group.timing, layer); });
    if (twin == groups.end()) {
      groups.push_back({&layer, 1});
    } else {
      ++twin->times;
    }
  }
  return groups;
}

void print_layers(const sat::Run& run) {
  const std::int64_t all = run.timing.total().cycles;
  const bool training = run.timing.total(Pass::wu).cycles > 0;
  std::vector<std::string> heading = {"layer", "times", "FF"};
  std::vector<Table::Align> columns = {left, right, left};
  if (training) {
    heading.insert(heading.end(), {"BP", "WU"});
    columns.insert(columns.end(), {left, left});
  }
  heading.insert(heading.end(), {"main stall", "bytes", "of the step"});
  columns.insert(columns.end(), {right, right, right});
  Table table(heading, columns);
  for (const LayerGroup& group : grouped(run.timing.layers)) {
    const sat::Counts total = group.timing->total();
    std::vector<std::string> row = {group.timing->name, fmt::format("{}", group.times)};
    for (const Pass pass : kPasses) {
      if (pass == Pass::ff || training) row.push_back(pass_cell((*group.timing)[pass], run.config));
    }
    row.insert(row.end(), {main_stall(total), bytes_of(total), share(total.cycles * group.times, all)});
    table.add(std::move(row));
  }
  fmt::print("Dataflow, cycles and utilisation of each pass; equal layers are one row.\n\n");
  table.print();
}

void print_totals(const sat::Run& run) {
  std::vector<std::string> heading = {"pass", "cycles", "computing"};
  for (const auto& cause : kStallCauses) heading.emplace_back(cause.name);
  heading.insert(heading.end(), {"time", "GOPS", "as if dense", "bytes", "joules"});
  std::vector<Table::Align> columns(heading.size(), right);
  columns.front() = left;
  Table table(heading, columns);
  const auto add = [&](const std::string& name, const sat::Counts& counts) {
    if (counts.cycles == 0) return;
    std::vector<std::string> row = {name, cycles_text(counts.cycles),
                                    share(counts.compute_cycles, counts.cycles)};
    for (const auto& cause : kStallCauses) row.push_back(share(counts.stalls.*cause.value, counts.cycles));
    row.insert(row.end(), {seconds_text(run.config.seconds(counts.cycles)),
                           fmt::format("{:.0f}", counts.gops(run.config)),
                           fmt::format("{:.0f}", counts.dense_equivalent_gops(run.config)), bytes_of(counts),
                           fmt::format("{:.3g}", counts.energy.total())});
    table.add(std::move(row));
  };
  for (const Pass pass : kPasses) add(std::string(to_string(pass)), run.timing.total(pass));
  add("step", run.timing.total());
  fmt::print("\n");
  table.print();
}

void print_summary(const sat::Report& report) {
  const sat::Run& run = report.run;
  const sat::Counts total = run.timing.total();
  fmt::print("\n{} cycles, {} at {:g} MHz: {} images/s, utilisation {:.1f} %, {:.3g} J, {:.3g} GOPS/W\n",
             cycles_text(total.cycles), seconds_text(run.config.seconds(total.cycles)), run.config.clock_mhz,
             rate_text(run.timing.images_per_second(run.config)), 100 * total.utilization(run.config),
             total.energy.total(), total.gops_per_watt());
  for (const sat::Run& other : report.compared) {
    if (other.method == run.method) continue;
    const sat::Counts counts = other.timing.total();
    fmt::print("{:.2f}x as fast as {} ({} cycles, {:.3g} J)\n", report.speedup_over(other), other.method,
               cycles_text(counts.cycles), counts.energy.total());
  }
  for (const sat::Ablation& ablation : report.ablations) {
    fmt::print("without {}: {} cycles, {:.2f} times as many\n", ablation.without,
               cycles_text(ablation.cycles),
               static_cast<double>(ablation.cycles) / static_cast<double>(total.cycles));
  }
}

void print_sweep(const sat::Sweep& sweep) {
  std::vector<std::string> heading;
  for (const sat::SweepAxis& axis : sweep.axes) heading.push_back(axis.key);
  std::vector<Table::Align> columns(heading.size(), left);
  heading.insert(heading.end(), {"cycles", "step", "images/s", "J/image", "best", ""});
  columns.insert(columns.end(), {right, right, right, right, left, left});
  Table table(heading, columns);
  for (const sat::SweepPoint& point : sweep.points) {
    std::vector<std::string> row = point.values;
    if (point.refused.empty()) {
      row.insert(row.end(), {cycles_text(point.total.cycles), seconds_text(point.seconds),
                             rate_text(point.images_per_second),
                             fmt::format("{:.4g}", point.joules_per_image), point.pareto ? "*" : "", ""});
    } else {
      row.insert(row.end(), {"-", "-", "-", "-", "", point.refused});
    }
    table.add(std::move(row));
  }
  fmt::print("\nSweep; * no other point is as fast with less energy, or faster with as much.\n\n");
  table.print();
  if (sweep.stopped) fmt::print("Stopped: the points behind these were not simulated.\n");
}

void print_config(const sat::Config& config, bool all_values) {
  if (all_values) {
    Table table({"key", "value", "unit", "", "why"}, {left, left, left, left, left});
    for (const sat::ConfigKey& key : sat::config_keys()) {
      table.add({std::string(key.key), key.text(config), std::string(key.unit),
                 fmt::format("[{}]", sat::to_string(key.origin)), std::string(key.reason)});
    }
    fmt::print("\n[P]: the paper says so. [A]: assumed.\n\n");
    table.print();
    return;
  }
  std::vector<std::string> assumed;
  for (const sat::ConfigKey& key : sat::config_keys()) {
    if (key.origin == sat::Origin::assumed)
      assumed.push_back(fmt::format("{}={}", key.key, key.text(config)));
  }
  fmt::print("\nAssumed [A], not from the paper (--show-config says why):\n");
  for (std::size_t i = 0; i < assumed.size(); i += 5) {
    const auto begin = assumed.begin() + static_cast<std::ptrdiff_t>(i);
    fmt::print(
        "  {}\n",
        fmt::join(begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(5, assumed.size() - i)),
                  "  "));
  }
}

}  // namespace

void print_table(const sat::Report& report, bool all_values) {
  const sat::Run& run = report.run;
  const std::string what = method_text(run.method, run.pattern);
  fmt::print("{}, batch {}{}{} on {}: {}x{} USPEs\n", run.workload.name, run.timing.batch,
             what.empty() ? "" : ", ", what, run.config.card, run.config.rows, run.config.columns);
  print_layers(run);
  print_totals(run);
  print_summary(report);
  if (!report.sweep.axes.empty()) print_sweep(report.sweep);
  print_config(run.config, all_values);
}

}  // namespace satsuma::tools
