#include "tools/satsuma/simulate/json.hpp"

#include <cmath>

#include "src/core/json.hpp"
#include "tools/satsuma/simulate/quantities.hpp"

namespace satsuma::tools {

namespace {

Json stalls_of(const sat::Stalls& stalls) {
  Json causes = Json::object();
  for (const auto& cause : kStallCauses) causes[std::string(cause.name)] = stalls.*cause.value;
  return causes;
}

Json operands_of(const sat::Bytes& bytes) {
  return {{"weights", bytes.weights},           {"indices", bytes.indices},
          {"activations", bytes.activations},   {"gradients", bytes.gradients},
          {"partial_sums", bytes.partial_sums}, {"optimizer", bytes.optimizer}};
}

Json energy_of(const sat::Energy& energy) {
  return {{"mac", energy.mac},   {"buffer", energy.buffer}, {"dram", energy.dram},
          {"sore", energy.sore}, {"wuve", energy.wuve},     {"idle", energy.idle}};
}

/// What every count has: a pass, a step, a point of a sweep.
Json counts_of(const sat::Counts& counts, const sat::Config& config) {
  return {{"cycles", counts.cycles},
          {"compute_cycles", counts.compute_cycles},
          {"stall_cycles", counts.stalls.total()},
          {"stalls", stalls_of(counts.stalls)},
          {"busy_cycles",
           {{"stce", counts.busy.stce},
            {"sore", counts.busy.sore},
            {"wuve", counts.busy.wuve},
            {"dram", counts.busy.dram}}},
          {"seconds", config.seconds(counts.cycles)},
          {"joules", counts.energy.total()},
          {"energy", energy_of(counts.energy)},
          {"utilisation", counts.utilization(config)},
          {"bytes", counts.read.total() + counts.written.total()},
          {"bytes_read", operands_of(counts.read)},
          {"bytes_written", operands_of(counts.written)},
          {"macs", counts.macs},
          {"dense_macs", counts.dense_macs},
          {"gops", counts.gops(config)},
          {"dense_equivalent_gops", counts.dense_equivalent_gops(config)},
          {"gops_per_watt", counts.gops_per_watt()}};
}

Json schedule_of(const sat::PassSchedule& schedule) {
  Json order = Json::array();
  for (const sat::Loop loop : schedule.order) order.push_back(sat::to_string(loop));
  return {{"order", order},
          {"tile",
           {{"images", schedule.tile.images},
            {"rows", schedule.tile.rows},
            {"in_channels", schedule.tile.in_channels},
            {"out_channels", schedule.tile.out_channels}}},
          {"interleave", schedule.interleave},
          {"buffer_kib",
           {{"activations", schedule.buffers.activations},
            {"weights", schedule.buffers.weights},
            {"output", schedule.buffers.output}}}};
}

Json layers_of(const sat::Run& run) {
  Json layers = Json::array();
  for (const sat::LayerTiming& layer : run.timing.layers) {
    for (const sat::PassTiming& timing : layer.pass) {
      if (!timing.run) continue;
      Json entry = {{"name", layer.name},
                    {"pass", to_string(timing.pass)},
                    {"pattern", to_string(timing.pattern)},
                    {"dataflow", sat::to_string(timing.schedule.dataflow)},
                    {"pruned_on_the_fly", timing.on_the_fly}};
      entry.update(counts_of(timing, run.config));
      entry["schedule"] = schedule_of(timing.schedule);
      layers.push_back(std::move(entry));
    }
  }
  return layers;
}

Json config_of(const sat::Config& config) {
  Json values = Json::array();
  for (const sat::ConfigKey& key : sat::config_keys()) {
    values.push_back({{"key", key.key},
                      {"value", key.text(config)},
                      {"unit", key.unit},
                      {"origin", sat::to_string(key.origin)},
                      {"reason", key.reason}});
  }
  return values;
}

Json sweep_of(const sat::Sweep& sweep) {
  Json points = Json::array();
  for (const sat::SweepPoint& point : sweep.points) {
    Json values = Json::object();
    for (std::size_t i = 0; i < sweep.axes.size(); ++i) values[sweep.axes[i].key] = point.values[i];
    Json entry = {{"values", values}};
    if (!point.refused.empty()) {
      entry["refused"] = point.refused;
    } else {
      entry["total_cycles"] = point.total.cycles;
      entry["stall_cycles"] = point.total.stalls.total();
      entry["seconds"] = point.seconds;
      entry["joules"] = point.total.energy.total();
      entry["images_per_second"] = point.images_per_second;
      entry["joules_per_image"] = point.joules_per_image;
      entry["peak_gops"] = point.peak_gops;
      entry["bytes"] = point.total.read.total() + point.total.written.total();
      entry["pareto"] = point.pareto;
    }
    points.push_back(std::move(entry));
  }
  return points;
}

}  // namespace

Json to_json(const sat::Report& report) {
  const sat::Run& run = report.run;
  const sat::Counts total = run.timing.total();
  Json result = {{"workload", run.workload.name},
                 {"method", run.method},
                 {"nm", to_string(run.pattern)},
                 {"batch", run.timing.batch},
                 {"objective", report.options.objective == sat::Objective::cycles ? "cycles" : "energy"},
                 {"ideal_memory", std::isinf(run.config.dram_gbps_per_channel)},
                 {"total_cycles", total.cycles}};
  Json counts = counts_of(total, run.config);
  counts.erase("cycles");
  result.update(counts);
  result["images_per_second"] = run.timing.images_per_second(run.config);
  Json speedups = Json::object();
  for (const sat::Run& other : report.compared) speedups[other.method] = report.speedup_over(other);
  result["speedup_over"] = speedups;
  Json compared = Json::object();
  for (const sat::Run& other : report.compared)
    compared[other.method] = counts_of(other.timing.total(), other.config);
  result["compared"] = compared;
  Json passes = Json::object();
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
    passes[std::string(to_string(pass))] = counts_of(run.timing.total(pass), run.config);
  result["passes"] = passes;
  Json ablations = Json::array();
  for (const sat::Ablation& ablation : report.ablations) {
    ablations.push_back({{"without", ablation.without},
                         {"total_cycles", ablation.cycles},
                         {"dense_total_cycles", ablation.dense_cycles}});
  }
  result["ablations"] = ablations;
  result["layers"] = layers_of(run);
  if (!report.sweep.axes.empty()) {
    result["sweep"] = sweep_of(report.sweep);
    result["sweep_stopped"] = report.sweep.stopped;
  }
  result["config"] = config_of(run.config);
  return result;
}

}  // namespace satsuma::tools
