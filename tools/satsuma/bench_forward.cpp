#include "tools/satsuma/bench_forward.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/placement.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/peer_flags.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

/// Passes of one turn; the last one counts. The others bring back what a turn of somebody else or a pause has
/// driven from the caches.
constexpr int kPasses = 5;

struct Settings {
  BenchSettings bench;
  std::vector<std::int64_t> batches = {1, 8, 32, 64, 128, 256};
  std::vector<std::string> methods = {"dense", "bdwp"};
  std::string device = "cpu";
  PluginFlags plugins;
  PeerFlags peers;
};

/// One model in evaluation under one method.
struct Inference {
  std::string method;
  std::shared_ptr<nn::Module> model;

  Inference(const Settings& settings, const std::string& name)
      : method(name), model(settings.bench.model.create()) {
    train::LayerOptions layers;
    layers.method = method;
    layers.pattern = Pattern::parse(settings.bench.pattern);
    layers.device = settings.device;
    train::configure_layers(*model, layers);
    model->train(false);
  }

  double seconds(const Tensor& images) const {
    const NoGrad no_grad;
    double last = 0;
    for (int i = 0; i < kPasses; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      (*model)(images);
      for (Device* const device : train::devices_of(*model)) device->synchronize();
      last = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    return last;
  }
};

Tensor noise(const Shape& image, std::int64_t count) {
  Rng rng(0, 1);
  Tensor images = Tensor::empty({count, image[0], image[1], image[2]});
  for (float& value : std::span(images.data<float>(), static_cast<std::size_t>(images.numel())))
    value = rng.normal();
  return images;
}

Peers start_peers(const Settings& settings, std::int64_t batch) {
  Peers peers = settings.peers.start(settings.bench.model, batch, {{"precision", "fp32"}, {"forward", true}});
  for (const auto& peer : peers) peer->seconds(kPasses);
  return peers;
}

/// What was measured at one size of the batch: seconds of each turn, of ours in the order of the models.
struct Row {
  std::int64_t batch;
  std::vector<std::vector<double>> ours;
  std::string peer;  ///< the fastest, empty for none
  std::vector<double> theirs;
};

Row measure(const Settings& settings, const std::vector<Inference>& models, std::int64_t batch,
            LongWork& work) {
  const Tensor images = noise(settings.bench.model.options().input, batch);
  const Peers peers = start_peers(settings, batch);
  Row row{batch, std::vector<std::vector<double>>(models.size()), {}, {}};
  std::vector<std::vector<double>> theirs(peers.size());
  // Threads of the one before stop waiting for work.
  const auto settle = [&] {
    if (!peers.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  };
  for (const Inference& model : models) {
    for (int i = 0; i < settings.bench.warmup; ++i) model.seconds(images);
  }
  for (int turn = 0; turn < settings.bench.repeat; ++turn) {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      settle();
      theirs[i].push_back(peers[i]->seconds(kPasses));
    }
    settle();
    for (std::size_t i = 0; i < models.size(); ++i) row.ours[i].push_back(models[i].seconds(images));
    work.one_more();
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (!row.theirs.empty() && median(theirs[i]) >= median(row.theirs)) continue;
    row.peer = peers[i]->name();
    row.theirs = theirs[i];
  }
  return row;
}

Json to_json(const Settings& settings, const std::vector<Inference>& models, const std::vector<Row>& rows) {
  Json object = settings.bench.work("forward", settings.device);
  object.erase("batch_size");
  object["nm"] = settings.bench.pattern;
  object["machine"] = BenchSettings::machine();
  object["results"] = Json::array();
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < models.size(); ++i) {
      Json result = {{"batch_size", row.batch},
                     {"method", models[i].method},
                     {"seconds", spread(row.ours[i])},
                     {"images_per_second", static_cast<double>(row.batch) / median(row.ours[i])}};
      if (!row.theirs.empty()) {
        result["peer"] = row.peer;
        result["peer_seconds"] = spread(row.theirs);
        result["peer_ratio"] = median(row.theirs) / median(row.ours[i]);
      }
      object["results"].push_back(result);
    }
  }
  return object;
}

void print(const Settings& settings, const std::vector<Inference>& models, const std::vector<Row>& rows) {
  using enum Table::Align;
  fmt::print("{}, {}; {}\nOne forward pass in evaluation: median of {} turns.\n\n",
             settings.bench.model.model, settings.bench.pattern, BenchSettings::machine_line(),
             settings.bench.repeat);
  const bool peers = !rows.front().theirs.empty();
  std::vector<std::string> columns = {"batch"};
  for (const Inference& model : models) {
    columns.push_back(model.method + " ms");
    columns.push_back("images/s");
    if (peers) columns.push_back("over peer");
  }
  if (peers) columns.insert(columns.end(), {"peer ms", "fastest peer"});
  std::vector<Table::Align> aligns(columns.size(), right);
  if (peers) aligns.back() = left;
  Table table(columns, aligns);
  for (const Row& row : rows) {
    std::vector<std::string> cells = {fmt::format("{}", row.batch)};
    for (const std::vector<double>& seconds : row.ours) {
      const double middle = median(seconds);
      cells.push_back(fmt::format("{:.2f}", 1e3 * middle));
      cells.push_back(fmt::format("{:.0f}", static_cast<double>(row.batch) / middle));
      if (peers) cells.push_back(fmt::format("{:.2f}x", median(row.theirs) / middle));
    }
    if (peers) cells.insert(cells.end(), {fmt::format("{:.2f}", 1e3 * median(row.theirs)), row.peer});
    table.add(cells);
  }
  table.print();
}

void check(const Settings& settings) {
  if (settings.methods.empty()) throw UsageError("--methods got nothing, expected names such as dense,bdwp");
  for (const std::string& method : settings.methods) find_method(method);
  if (settings.batches.empty()) throw UsageError("--batch-size got nothing, expected numbers such as 1,8,32");
  for (const std::int64_t batch : settings.batches) {
    BenchSettings one = settings.bench;
    one.batch_size = batch;
    one.apply();
  }
  settings.peers.check(settings.bench.model);
}

int run_forward(const Settings& settings) {
  settings.plugins.load();
  check(settings);
  std::vector<Inference> models;
  for (const std::string& method : settings.methods) models.emplace_back(settings, method);
  std::vector<Row> rows;
  LongWork work("bench forward", "turns",
                settings.bench.repeat * static_cast<std::int64_t>(settings.batches.size()));
  for (const std::int64_t batch : settings.batches) rows.push_back(measure(settings, models, batch, work));
  if (settings.bench.json) {
    print_json(to_json(settings, models, rows));
  } else {
    print(settings, models, rows);
  }
  report_checks(settings.device);
  return 0;
}

}  // namespace

void add_bench_forward(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  const Command command = bench.add_command("forward", "Inference at several sizes of the batch, by method");
  settings->bench.add_to(command, 10, 1);
  command.remove_option("--batch-size");
  command.add_option("--batch-size", settings->batches, "images, several sizes separated by commas")
      .split_at_commas()
      .show_default();
  command.add_option("--methods", settings->methods, "methods, separated by commas")
      .split_at_commas()
      .show_default();
  command.add_option("--device", settings->device, "who runs the layers").show_default();
  settings->plugins.add_to(command);
  settings->peers.add_to(command);
  command.footer(
      "Example: satsuma bench forward --model resnet18 --batch-size 1,8,32\n"
      "         satsuma bench forward --model resnet18 --peer pytorch --peer-python /opt/torch/bin/python");
  command.run([settings] { return run_forward(*settings); });
}

}  // namespace satsuma::tools
