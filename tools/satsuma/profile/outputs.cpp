#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/profile/step_profile.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

std::string pattern_of(const LayerCost& cost) {
  return cost.nm.empty() ? "dense" : fmt::format("{} {}", cost.nm, cost.kind);
}

std::string milliseconds(double seconds) {
  return fmt::format("{:.3f}", 1e3 * seconds);
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

/// Median of the time of all layers' parts of a name.
double seconds_of_part(const StepProfile& profile, std::string_view part) {
  double sum = 0;
  for (const LayerCost& cost : profile.layers) sum += cost.part == part ? median(cost.seconds) : 0;
  return sum;
}

}  // namespace

void StepProfile::print() const {
  using enum Table::Align;
  const double step = median(seconds);
  const std::string method =
      recipe.method == "dense" ? recipe.method : fmt::format("{} {}", recipe.method, recipe.nm);
  fmt::print(
      "{}, {}, batch {}, {}; {}\nTraining steps on a batch of noise: median of {}. Of peak: multiply-adds "
      "executed, of the {:.0f} GFLOP/s that this machine makes, {:.0f} of bf16; its memory moves {:.0f} "
      "GB/s.\nBytes: each operand once. In use: memory of tensors when the part ended.\n\n",
      recipe.model, fmt::join(input, "x"), recipe.batch_size, method, BenchSettings::machine_line(), repeat,
      peak.gflops, peak.bf16_gflops, peak.gigabytes_a_second);
  Table table(
      {"layer", "pass", "N:M", "device", "ms", "of step", "GFLOP/s", "of peak", "bytes", "GB/s", "in use"},
      {left, left, left, left, right, right, right, right, right, right, right});
  for (const LayerCost& cost : layers) {
    const double taken = median(cost.seconds);
    const bool product = cost.macs > 0;
    table.add({cost.layer, cost.part, product ? pattern_of(cost) : "", cost.device, milliseconds(taken),
               percent(taken / step), product ? fmt::format("{:.1f}", cost.gflops()) : "-",
               product ? percent(of_peak(cost)) : "-", short_bytes(static_cast<std::size_t>(cost.bytes)),
               fmt::format("{:.1f}", cost.gigabytes_a_second()), short_bytes(cost.bytes_in_use)});
  }
  table.print();
  fmt::print("\n");
  Table parts({"what", "phase", "ms", "of step"}, {left, left, right, right});
  for (const auto& [part, phase] :
       {std::pair{"FF", "forward"}, {"BP", "backward"}, {"WU", "backward"}, {"update", "update"}}) {
    const double taken = seconds_of_part(*this, part);
    parts.add({fmt::format("layers, {}", part), phase, milliseconds(taken), percent(taken / step)});
  }
  for (const OtherCost& other : others) {
    const double taken = median(other.seconds);
    if (taken < 1e-6) continue;
    parts.add({other.operation, other.phase, milliseconds(taken), percent(taken / step)});
  }
  parts.print();
  fmt::print("\na step {:.1f} ms, {:.1f} images/s, peak memory {}\n", 1e3 * step,
             static_cast<double>(recipe.batch_size) / step, short_bytes(peak_memory));
}

Json StepProfile::to_json() const {
  const double step = median(seconds);
  Json parts = Json::array();
  for (const LayerCost& cost : layers) {
    const double taken = median(cost.seconds);
    parts.push_back({{"layer", cost.layer},
                     {"pass", cost.part},
                     {"nm", cost.nm.empty() ? "1:1" : cost.nm},
                     {"operand", cost.kind.empty() ? "dense" : cost.kind},
                     {"device", cost.device},
                     {"seconds", taken},
                     {"share", taken / step},
                     {"macs", cost.macs},
                     {"dense_macs", cost.dense_macs},
                     {"gflops", cost.gflops()},
                     {"of_peak", of_peak(cost)},
                     {"bytes", cost.bytes},
                     {"gigabytes_per_second", cost.gigabytes_a_second()},
                     {"memory_bytes", cost.bytes_in_use}});
  }
  Json rest = Json::array();
  for (const OtherCost& other : others) {
    const double taken = median(other.seconds);
    rest.push_back({{"phase", other.phase},
                    {"operation", other.operation},
                    {"seconds", taken},
                    {"share", taken / step}});
  }
  Json machine = BenchSettings::machine();
  machine["gflops_peak"] = peak.gflops;
  machine["bf16_gflops_peak"] = peak.bf16_gflops;
  machine["gigabytes_per_second"] = peak.gigabytes_a_second;
  return {{"model", recipe.model},
          {"input", fmt::format("{}", fmt::join(input, "x"))},
          {"batch_size", recipe.batch_size},
          {"method", recipe.method},
          {"nm", recipe.nm},
          {"precision", recipe.precision},
          {"device", recipe.device},
          {"machine", machine},
          {"repeat", repeat},
          {"step_seconds", spread(seconds)},
          {"images_per_second", static_cast<double>(recipe.batch_size) / step},
          {"peak_memory_bytes", peak_memory},
          {"layers", parts},
          {"others", rest}};
}

std::string StepProfile::to_csv() const {
  std::string text =
      "layer,pass,nm,operand,device,seconds,share,macs,dense_macs,gflops,of_peak,bytes,memory_bytes\n";
  const double step = median(seconds);
  for (const LayerCost& cost : layers) {
    const double taken = median(cost.seconds);
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(cost.layer), cost.part,
                        cost.nm.empty() ? "1:1" : cost.nm, cost.kind.empty() ? "dense" : cost.kind,
                        csv_cell(cost.device), taken, taken / step, cost.macs, cost.dense_macs, cost.gflops(),
                        of_peak(cost), cost.bytes, cost.bytes_in_use);
  }
  for (const OtherCost& other : others) {
    const double taken = median(other.seconds);
    text +=
        fmt::format("{},{},,,,{},{},,,,,,\n", csv_cell(other.operation), other.phase, taken, taken / step);
  }
  return text;
}

}  // namespace satsuma::tools
