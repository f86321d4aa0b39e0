#include "tools/satsuma/run_description.hpp"

#include <fmt/core.h>

#include <array>
#include <ctime>

#include "satsuma/train/atomic_file.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/layers.hpp"

namespace satsuma::tools {

namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text.data();
}

Json describe(const Layer& layer) {
  const Contraction& contraction = *layer.contraction;
  const LayerPlan& plan = contraction.plan();
  const PassMacs macs = layer.macs(), dense = layer.dense_macs();
  Json passes = Json::object();
  for (const auto& [pass, executed, all] : {std::tuple(Pass::ff, macs.ff, dense.ff),
                                            {Pass::bp, macs.bp, dense.bp},
                                            {Pass::wu, macs.wu, dense.wu}}) {
    const PassPlan& of = plan[pass];
    passes[std::string(to_string(pass))] = {{"run", of.run},
                                            {"nm", to_string(of.skipping().pattern)},
                                            {"operand", to_string(of.skipping().kind)},
                                            {"reason", of.reason},
                                            {"device", contraction.device(pass).name()},
                                            {"macs", executed},
                                            {"dense_macs", all}};
  }
  const Shape weight = plan.geometry.weight_shape();
  return {{"name", contraction.name()},
          {"geometry", to_string(plan.geometry)},
          {"weight", std::vector<std::int64_t>(weight.begin(), weight.end())},
          {"output", std::vector<std::int64_t>(layer.output.begin(), layer.output.end())},
          {"passes", passes}};
}

}  // namespace

Json describe_run(const train::Recipe& recipe, nn::Module& model, const train::ExperimentData& data,
                  std::int64_t batches_per_epoch, const distributed::Communicator& ranks) {
  std::int64_t parameters = 0;
  for (const nn::Parameter& parameter : model.parameters()) parameters += parameter.value.numel();
  Json layers = Json::array();
  for (const Layer& layer : trace_layers(model, data.input)) layers.push_back(describe(layer));
  return {{"started", utc_now()},
          {"machine", BenchSettings::machine()},
          {"ranks", ranks.size()},
          {"hosts", ranks.hosts()},
          {"device", recipe.device},
          {"parameters", parameters},
          {"input", std::vector<std::int64_t>(data.input.begin(), data.input.end())},
          {"classes", data.classes},
          {"train_images", data.train->size()},
          {"batches_per_epoch", batches_per_epoch},
          {"layers", layers}};
}

void write_description(const train::RunDirectory& directory, const Json& description) {
  train::write_atomically(directory.path() / kRunDescription, to_text(description));
}

}  // namespace satsuma::tools
