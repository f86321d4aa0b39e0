#include "tools/satsuma/compare/devices.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>

#include "satsuma/core/rng.hpp"
#include "satsuma/train/experiment.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools::compare {

namespace {

Tensor noise(std::int64_t batch, const Shape& image, std::uint64_t stream) {
  Tensor values = Tensor::empty({batch, image[0], image[1], image[2]});
  Rng rng(0, stream);
  for (float& value : std::span(values.data<float>(), static_cast<std::size_t>(values.numel())))
    value = rng.normal();
  return values.to(MemoryFormat::batch_blocked);
}

/// The largest difference of two results, over the largest magnitude of the first; NaN where one is.
double largest_error(const Tensor& first, const Tensor& other) {
  const Tensor a = first.to(DType::f32).to(MemoryFormat::channels_last);
  const Tensor b = other.to(DType::f32).to(MemoryFormat::channels_last);
  const float* const x = a.data<float>();
  const float* const y = b.data<float>();
  double difference = 0, magnitude = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double apart = std::abs(double{x[i]} - double{y[i]});
    if (std::isnan(apart)) return apart;
    difference = std::max(difference, apart);
    magnitude = std::max(magnitude, std::abs(double{x[i]}));
  }
  return magnitude > 0 ? difference / magnitude : difference;
}

/// A layer, and the operands that all devices get.
struct Operands {
  Tensor x, dy;
};

Tensor run(Contraction& layer, Pass pass, const Operands& operands) {
  switch (pass) {
    case Pass::ff:
      return layer.forward(operands.x, {});
    case Pass::bp:
      return layer.backward_data(operands.dy, operands.x.shape());
    case Pass::wu:
      return layer.backward_weights(operands.x, operands.dy, false).weight;
  }
  return {};
}

/// Runs a pass twice and fills in what the second call took. Returns its result.
Tensor measure(Contraction& layer, const Operands& operands, DevicePass& row) {
  Device& device = layer.device(row.pass);
  row.layer = layer.name();
  row.ran_on = device.name();
  run(layer, row.pass, operands);
  device.synchronize();
  device.reset_counters();
  const auto begin = std::chrono::steady_clock::now();
  Tensor result = run(layer, row.pass, operands);
  device.synchronize();
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Counters& counters = device.counters();
  row.macs = counters[row.pass].macs;
  row.bytes = counters.bytes_to_device + counters.bytes_from_device;
  row.cycles = counters.cycles;
  row.joules = 1e-9 * static_cast<double>(counters.nanojoules);
  return result;
}

}  // namespace

std::vector<DevicePass> compare_devices(const train::Recipe& recipe,
                                        const std::vector<std::string>& devices) {
  const train::ExperimentData data = train::load_data(recipe);
  std::vector<std::shared_ptr<nn::Module>> models;
  std::vector<std::vector<Layer>> layers;
  for (const std::string& device : devices) {
    train::Recipe placed = recipe;
    placed.device = device;
    placed.place.clear();
    models.push_back(train::make_model(placed, data.input, data.classes));
    layers.push_back(trace_layers(*models.back(), data.input));
  }
  std::vector<DevicePass> passes;
  for (std::size_t i = 0; i < layers.front().size(); ++i) {
    const Layer& first = layers.front()[i];
    const Operands operands = {noise(recipe.batch_size, first.input, 2 * i),
                               noise(recipe.batch_size, first.output, 2 * i + 1)};
    for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
      if (!first.contraction->plan()[pass].run) continue;
      Tensor expected;
      for (std::size_t d = 0; d < devices.size(); ++d) {
        DevicePass row;
        row.pass = pass;
        row.device = devices[d];
        const Tensor result = measure(*layers[d][i].contraction, operands, row);
        if (d == 0) expected = result;
        row.error = largest_error(expected, result);
        passes.push_back(std::move(row));
      }
    }
  }
  return passes;
}

void print(const std::vector<DevicePass>& passes) {
  using Align = Table::Align;
  Table table({"layer", "pass", "device", "largest error", "ms", "multiply-adds", "moved", "cycles"},
              {Align::left, Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
               Align::right});
  for (const DevicePass& row : passes) {
    const bool same = row.ran_on == row.device || row.device.starts_with(row.ran_on + ":");
    table.add({row.layer, std::string(to_string(row.pass)),
               same ? row.device : fmt::format("{} (on {})", row.device, row.ran_on),
               row.error > 0 ? fmt::format("{:.1e}", row.error) : "0",
               fmt::format("{:.3f}", 1e3 * row.seconds), short_count(static_cast<double>(row.macs)),
               row.bytes > 0 ? short_bytes(static_cast<std::size_t>(row.bytes)) : "-",
               row.cycles > 0 ? short_count(static_cast<double>(row.cycles)) : "-"});
  }
  table.print();
}

Json to_json(const std::vector<DevicePass>& passes) {
  Json rows = Json::array();
  for (const DevicePass& row : passes) {
    rows.push_back({{"layer", row.layer},
                    {"pass", to_string(row.pass)},
                    {"device", row.device},
                    {"ran_on", row.ran_on},
                    {"error", row.error},
                    {"seconds", row.seconds},
                    {"macs", row.macs},
                    {"bytes_moved", row.bytes},
                    {"cycles", row.cycles},
                    {"joules", row.joules}});
  }
  return {{"passes", rows}};
}

}  // namespace satsuma::tools::compare
