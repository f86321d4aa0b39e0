#include "tools/satsuma/step_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "src/core/json.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

/// The fastest peer of a precision; none is null.
const TorchPeer* best_peer(const Peers& peers, const std::string& precision) {
  const TorchPeer* best = nullptr;
  for (const auto& peer : peers) {
    if (peer->precision() != precision) continue;
    if (!best || median(peer->turns()) < median(best->turns())) best = peer.get();
  }
  return best;
}

/// How many times faster ours was, turn by turn.
std::vector<double> peer_ratios(const TorchPeer& peer, const Trainee& trainee) {
  std::vector<double> ratios(peer.turns().size());
  std::transform(peer.turns().begin(), peer.turns().end(), trainee.seconds().begin(), ratios.begin(),
                 std::divides<>());
  return ratios;
}

/// `bdwp fp32`, and on which device where there are several.
std::string label(const StepReport& report, const Trainee& trainee) {
  return report.devices.size() == 1 ? trainee.name()
                                    : fmt::format("{} on {}", trainee.name(), trainee.device());
}

void print_peers(const StepReport& report) {
  using enum Table::Align;
  Table table({"peer", "precision", "ms a step", "quartiles", "peak memory"},
              {left, left, right, right, right});
  for (const auto& peer : report.peers) {
    const std::vector<double>& seconds = peer->turns();
    table.add({peer->name(), peer->precision(), fmt::format("{:.1f}", 1e3 * median(seconds)),
               fmt::format("{:.1f} to {:.1f}", 1e3 * quantile(seconds, 0.25), 1e3 * quantile(seconds, 0.75)),
               short_bytes(static_cast<std::size_t>(peer->peak_memory()))});
  }
  fmt::print("\n");
  table.print();
  fmt::print("\n");
  for (const auto& trainee : report.trainees) {
    const TorchPeer* const best = best_peer(report.peers, trainee->precision());
    if (!best) continue;
    const std::vector<double> ratios = peer_ratios(*best, *trainee);
    const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
    fmt::print("{}: {:.2f}x ({:.2f} to {:.2f}) as fast as {}\n", label(report, *trainee), median(ratios),
               *least, *greatest, best->name());
  }
}

}  // namespace

double StepReport::of_peak(const Trainee& trainee) const {
  const double gflops = trainee.precision() == "bf16" ? peak.bf16_gflops : peak.gflops;
  return 2e-9 * static_cast<double>(trainee.macs()) / median(trainee.seconds()) / gflops;
}

Json StepReport::to_json() const {
  Json results = Json::array();
  for (const auto& trainee : trainees) {
    const std::vector<double>& seconds = trainee->seconds();
    Json share = Json::object();
    for (const auto& [kind, value] : trainee->shares()) share[kind] = value;
    const double middle = median(seconds);
    results.push_back({{"device", trainee->device()},
                       {"method", trainee->method()},
                       {"precision", trainee->precision()},
                       {"seconds_median", middle},
                       {"seconds_quartiles", {quantile(seconds, 0.25), quantile(seconds, 0.75)}},
                       {"seconds_min", *std::min_element(seconds.begin(), seconds.end())},
                       {"seconds_max", *std::max_element(seconds.begin(), seconds.end())},
                       {"images_per_second", static_cast<double>(bench.batch_size) / middle},
                       {"peak_memory_bytes", trainee->peak_memory()},
                       {"macs", trainee->macs()},
                       {"of_peak", of_peak(*trainee)},
                       {"share", share}});
    if (const TorchPeer* const best = best_peer(peers, trainee->precision())) {
      Json ratio = spread(peer_ratios(*best, *trainee));
      ratio["over"] = best->name();
      results.back()["peer_ratio"] = ratio;
    }
  }
  Json object = bench.work("step", fmt::format("{}", fmt::join(devices, ",")));
  object["nm"] = bench.pattern;
  object["machine"] = BenchSettings::machine();
  object["machine"]["gflops_peak"] = peak.gflops;
  object["machine"]["bf16_gflops_peak"] = peak.bf16_gflops;
  object["results"] = results;
  if (!peers.empty()) object["peers"] = Json::array();
  for (const auto& peer : peers) object["peers"].push_back(peer->to_json());
  return object;
}

void StepReport::print() const {
  using enum Table::Align;
  fmt::print(
      "{}, batch {}, {}; {}\nOne training step: forward, loss, backward, SGD. {} steps of each, in "
      "turns. Of peak: the layers' multiply-adds that are executed, of {:.0f} GFLOP/s that this machine "
      "makes, {:.0f} of bf16.\n\n",
      bench.model.model, bench.batch_size, bench.pattern, BenchSettings::machine_line(), bench.repeat,
      peak.gflops, peak.bf16_gflops);
  Table table({"method", "device", "ms a step", "quartiles", "images/s", "of peak", "peak memory", "ratio"},
              {left, left, right, right, right, right, right, right});
  const double first = median(trainees.front()->seconds());
  for (const auto& trainee : trainees) {
    const std::vector<double>& seconds = trainee->seconds();
    const double middle = median(seconds);
    table.add({trainee->name(), trainee->device(), fmt::format("{:.1f}", 1e3 * middle),
               fmt::format("{:.1f} to {:.1f}", 1e3 * quantile(seconds, 0.25), 1e3 * quantile(seconds, 0.75)),
               fmt::format("{:.1f}", static_cast<double>(bench.batch_size) / middle),
               fmt::format("{:.0f} %", 100 * of_peak(*trainee)), short_bytes(trainee->peak_memory()),
               fmt::format("{:.2f}x", first / middle)});
  }
  table.print();
  if (!peers.empty()) print_peers(*this);
  for (const auto& trainee : trainees) {
    fmt::print("\n{}\n", label(*this, *trainee));
    for (const auto& [kind, share] : trainee->shares()) fmt::print("  {:<18} {:5.1f} %\n", kind, 100 * share);
  }
}

}  // namespace satsuma::tools
