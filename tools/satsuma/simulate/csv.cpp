#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/simulate/json.hpp"

namespace satsuma::tools {

namespace {

std::string sweep_rows(const sat::Sweep& sweep) {
  std::string text;
  for (const sat::SweepAxis& axis : sweep.axes) text += csv_cell(axis.key) + ',';
  text += "total_cycles,stall_cycles,seconds,joules,images_per_second,joules_per_image,pareto,refused\n";
  for (const sat::SweepPoint& point : sweep.points) {
    for (const std::string& value : point.values) text += csv_cell(value) + ',';
    if (point.refused.empty()) {
      text += fmt::format("{},{},{},{},{},{},{},\n", point.total.cycles, point.total.stalls.total(),
                          point.seconds, point.total.energy.total(), point.images_per_second,
                          point.joules_per_image, point.pareto ? 1 : 0);
    } else {
      text += fmt::format(",,,,,,0,{}\n", csv_cell(point.refused));
    }
  }
  return text;
}

}  // namespace

std::string to_csv(const sat::Report& report) {
  if (!report.sweep.axes.empty()) return sweep_rows(report.sweep);
  std::string text =
      "name,pass,pattern,dataflow,cycles,compute_cycles,stall_cycles,fill,accumulator,memory,sorter,update,"
      "control,"
      "utilisation,bytes,macs,dense_macs,joules\n";
  for (const sat::LayerTiming& layer : report.run.timing.layers) {
    for (const sat::PassTiming& timing : layer.pass) {
      if (!timing.run) continue;
      const sat::Stalls& stalls = timing.stalls;
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(layer.name),
                          to_string(timing.pass), to_string(timing.pattern),
                          sat::to_string(timing.schedule.dataflow), timing.cycles, timing.compute_cycles,
                          stalls.total(), stalls.fill, stalls.accumulator, stalls.memory, stalls.sorter,
                          stalls.update, stalls.control, timing.utilization(report.run.config),
                          timing.read.total() + timing.written.total(), timing.macs, timing.dense_macs,
                          timing.energy.total());
    }
  }
  return text;
}

}  // namespace satsuma::tools
