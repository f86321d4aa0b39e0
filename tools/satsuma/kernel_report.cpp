#include "tools/satsuma/kernel_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

#include "src/core/json.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

constexpr std::array kPasses = {Pass::ff, Pass::bp, Pass::wu};

/// What `ours` takes in each turn, in units of what the peer took beside it.
std::vector<double> relative(const std::vector<double>& ours, const std::vector<double>& peer) {
  std::vector<double> result(ours.size());
  std::transform(ours.begin(), ours.end(), peer.begin(), result.begin(), std::divides<>());
  return result;
}

}  // namespace

double KernelReport::own_dense_of_peak(const KernelTiming& result) const {
  return share_in_image(*result.layer) * result.gflops(result.dense, bench.batch_size) / peak.gflops;
}

double KernelReport::of_peak(const KernelTiming& result, const SparseTiming& sparse) const {
  const double density = sparse.pruned ? static_cast<double>(sparse.pattern.n) / sparse.pattern.m : 1;
  return density * share_in_image(*result.layer) * result.gflops(sparse.seconds, bench.batch_size) /
         peak.gflops;
}

Json KernelReport::to_json() const {
  const std::int64_t batch = bench.batch_size;
  Json layers = Json::array();
  for (const KernelTiming& result : timings) {
    const Shape& output = result.layer->output;
    for (const SparseTiming& sparse : result.sparse) {
      layers.push_back({{"layer", result.layer->layer},
                        {"pass", to_string(result.pass)},
                        {"count", result.layer->count},
                        {"geometry", to_string(result.layer->geometry)},
                        {"output", std::vector<std::int64_t>(output.begin(), output.end())},
                        {"nm", to_string(sparse.pattern)},
                        {"pruned", sparse.pruned},
                        {"dense_gflops", result.gflops(result.peer, batch)},
                        {"own_dense_gflops", result.gflops(result.dense, batch)},
                        {"nm_gflops", result.gflops(sparse.seconds, batch)},
                        {"ratio", result.ratio(sparse)},
                        {"own_dense_of_peak", own_dense_of_peak(result)},
                        {"nm_of_peak", of_peak(result, sparse)},
                        {"own_dense_time", spread(relative(result.dense, result.peer))},
                        {"nm_time", spread(relative(sparse.seconds, result.peer))},
                        {"dense_implementation", result.peer_description}});
    }
  }
  Json by_pattern = Json::array();
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    Json means = Json::object();
    for (const Pass pass : kPasses) means[to_string(pass)] = mean_ratio(timings, pass, i);
    by_pattern.push_back({{"nm", to_string(patterns[i])}, {"geomean_ratio", means}});
  }
  Json object = bench.work("kernels", device);
  object["method"] = method;
  object["dense_by"] = peer_library();
  object["machine"] = BenchSettings::machine();
  object["machine"]["onednn"] = peer_library();
  object["machine"]["gflops_peak"] = peak.gflops;
  object["layers"] = layers;
  object["patterns"] = by_pattern;
  if (by_pattern.size() == 1) object.update(by_pattern.front());
  return object;
}

void KernelReport::print() const {
  using enum Table::Align;
  const std::int64_t batch = bench.batch_size;
  const bool one = patterns.size() == 1;
  fmt::print(
      "{}, batch {}, {} {}; {}\nGFLOP/s, counted as if dense. Dense is the fastest of what {} has.{}\nOf "
      "peak: products that are executed, of the {:.0f} GFLOP/s of multiply-adds that this machine makes.\n\n",
      bench.model.model, batch, method, one ? to_string(patterns.front()) : "", BenchSettings::machine_line(),
      peer_library(), one ? "" : " Patterns: times as fast as that.", peak.gflops);
  const auto percent = [](double share) { return fmt::format("{:.0f} %", 100 * share); };
  std::vector<std::string> heading = {"layer", "weight", "output",    "times",
                                      "pass",  "dense",  "own dense", "of peak"};
  std::vector<Table::Align> columns = {left, left, left, right, left, right, right, right};
  for (const Pattern pattern : patterns) heading.push_back(to_string(pattern));
  if (one) {
    heading.emplace_back("of peak");
    heading.emplace_back("ratio");
  }
  columns.resize(heading.size(), right);
  Table table(heading, columns);
  for (const KernelTiming& result : timings) {
    std::vector<std::string> row = {result.layer->layer,
                                    fmt::format("{}", fmt::join(result.layer->geometry.weight_shape(), "x")),
                                    fmt::format("{}", fmt::join(result.layer->output, "x")),
                                    std::to_string(result.layer->count),
                                    std::string(to_string(result.pass)),
                                    fmt::format("{:.0f}", result.gflops(result.peer, batch)),
                                    fmt::format("{:.0f}", result.gflops(result.dense, batch)),
                                    percent(own_dense_of_peak(result))};
    for (const SparseTiming& sparse : result.sparse) {
      const std::string ratio = fmt::format("{:.2f}x", result.ratio(sparse));
      if (one) {
        row.push_back(sparse.pruned ? fmt::format("{:.0f}", result.gflops(sparse.seconds, batch)) : "-");
        row.push_back(percent(of_peak(result, sparse)));
      }
      row.push_back(one || sparse.pruned ? ratio : "-");
    }
    table.add(row);
  }
  table.print();
  fmt::print("\nGeometric mean over all layers that are pruned:");
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!one) fmt::print("\n  {:>5}", to_string(patterns[i]));
    for (const Pass pass : kPasses) fmt::print(" {} {:.2f}x", to_string(pass), mean_ratio(timings, pass, i));
  }
  fmt::print("{}A pass that stays dense compares our dense kernel.\n", one ? ". " : "\n");
}

KernelPlot KernelReport::plot() const {
  KernelPlot picture;
  picture.peak = peak;
  picture.title = fmt::format("{}, batch {}, {}; {}", bench.model.model, bench.batch_size, method,
                              BenchSettings::machine_line());
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    picture.curve.push_back(
        {patterns[i], mean_ratio(timings, Pass::ff, i), mean_ratio(timings, Pass::bp, i)});
  }
  for (const KernelTiming& result : timings) {
    const KernelLayer& layer = *result.layer;
    const auto batch = static_cast<double>(bench.batch_size);
    const double flops =
        share_in_image(layer) * 1e9 * result.gflops(result.dense, bench.batch_size) * median(result.dense);
    // Each operand once: activations of both sides and the weight or its gradient.
    const double activations = 4 * batch *
                               static_cast<double>(layer.image[0] * layer.image[1] * layer.image[2] +
                                                   layer.output[0] * layer.output[1] * layer.output[2]);
    const Shape weight_shape = layer.geometry.weight_shape();
    double weight = 4;
    for (const std::int64_t size : weight_shape) weight *= static_cast<double>(size);
    picture.roofline.push_back({fmt::format("{} {} dense", layer.layer, to_string(result.pass)), result.pass,
                                false, flops / (activations + weight), 1e-9 * flops / median(result.dense)});
    const SparseTiming& sparse = result.sparse.front();
    if (!sparse.pruned) continue;
    const double density = static_cast<double>(sparse.pattern.n) / sparse.pattern.m;
    // A kept value has an index of a byte.
    picture.roofline.push_back(
        {fmt::format("{} {} {}", layer.layer, to_string(result.pass), to_string(sparse.pattern)), result.pass,
         true, density * flops / (activations + 1.25 * density * weight),
         1e-9 * density * flops / median(sparse.seconds)});
  }
  return picture;
}

}  // namespace satsuma::tools
