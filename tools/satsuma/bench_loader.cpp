#include "tools/satsuma/bench_loader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/loading.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/peer_flags.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  BenchSettings bench;
  train::Recipe recipe;           ///< image size and workers
  std::vector<std::string> data;  ///< the same pictures in several forms
  PeerFlags peers;
};

/// Somebody who delivers an epoch of batches, and how long it took each time.
struct Source {
  std::string name;
  std::function<double()> epoch;  ///< seconds
  std::int64_t images = 0;        ///< of an epoch
  std::vector<double> seconds = {};

  double rate() const { return static_cast<double>(images) / median(seconds); }
};

/// Satsuma's loader. Each turn is an epoch of its own: nothing is ready when it begins, nothing is left over.
Source own_source(const Settings& settings, const std::string& data) {
  train::Recipe recipe = settings.recipe;
  recipe.data = data;
  const train::ExperimentData loaded = train::load_data(recipe);
  const auto loader = std::make_shared<data::Loader>(loaded.train, loaded.normalisation,
                                                     train::training_options(recipe, loaded));
  const auto epoch = [loader, number = std::int64_t{0}]() mutable {
    const auto begin = std::chrono::steady_clock::now();
    loader->start(number++);
    for (data::Batch batch; loader->next(batch);) {
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  return {"satsuma " + data, epoch, loader->batches_per_epoch() * recipe.batch_size};
}

/// torchvision's loader of the same pictures.
Source torch_source(const Settings& settings, const std::string& python, std::int64_t images) {
  std::filesystem::path folder = settings.data.front();
  if (std::filesystem::is_directory(folder / "train")) folder /= "train";
  const Json config = {{"folder", folder.string()},
                       {"images", *settings.recipe.limit_train},
                       {"image_size", *settings.recipe.image_size},
                       {"batch_size", settings.bench.batch_size},
                       {"workers", *settings.recipe.workers},
                       {"format", "ImageFolder"},
                       {"precision", "fp32"}};
  const auto peer = std::make_shared<TorchPeer>(python, "torch_loader.py", config,
                                                std::chrono::seconds(settings.peers.timeout));
  return {peer->name(), [peer] { return peer->seconds(1); }, images};
}

std::vector<Source> measure(const Settings& settings) {
  std::vector<Source> sources;
  for (const std::string& data : settings.data) sources.push_back(own_source(settings, data));
  const std::int64_t images = sources.front().images;
  for (const std::string& python : settings.peers.interpreters())
    sources.push_back(torch_source(settings, python, images));
  const int turns = settings.bench.warmup + settings.bench.repeat;
  LongWork work("bench loader", "turns", turns);
  for (int turn = 0; turn < turns; ++turn) {
    for (Source& source : sources) {
      const double seconds = source.epoch();
      if (turn >= settings.bench.warmup) source.seconds.push_back(seconds);
    }
    work.one_more();
  }
  return sources;
}

Json to_json(const Settings& settings, const std::vector<Source>& sources) {
  Json object = {{"bench", "loader"},
                 {"image_size", *settings.recipe.image_size},
                 {"augment", settings.recipe.augment},
                 {"batch_size", settings.bench.batch_size},
                 {"workers", *settings.recipe.workers},
                 {"repeat", settings.bench.repeat},
                 {"machine", BenchSettings::machine()},
                 {"results", Json::array()}};
  for (const Source& source : sources) {
    object["results"].push_back({{"source", source.name},
                                 {"images", source.images},
                                 {"seconds", spread(source.seconds)},
                                 {"images_per_second", source.rate()},
                                 {"ratio", source.rate() / sources.front().rate()}});
  }
  return object;
}

void print(const Settings& settings, const std::vector<Source>& sources) {
  fmt::print("{0}x{0} pixels, {1}, batch {2}, {3} workers; {4}\n", *settings.recipe.image_size,
             settings.recipe.augment, settings.bench.batch_size, *settings.recipe.workers,
             BenchSettings::machine_line());
  fmt::print("Epochs of {} images in turns: median of {}.\n\n", sources.front().images,
             settings.bench.repeat);
  using enum Table::Align;
  Table table({"source", "images/s", "quartiles", "over the first"}, {left, right, right, right});
  for (const Source& source : sources) {
    const auto images = static_cast<double>(source.images);
    table.add({source.name, fmt::format("{:.0f}", source.rate()),
               fmt::format("{:.0f} to {:.0f}", images / quantile(source.seconds, 0.75),
                           images / quantile(source.seconds, 0.25)),
               fmt::format("{:.2f}x", source.rate() / sources.front().rate())});
  }
  table.print();
}

void check(const Settings& settings) {
  settings.peers.check();
  if (!settings.peers.peer.empty() && !std::filesystem::is_directory(settings.data.front())) {
    throw UsageError(
        fmt::format("--peer pytorch reads a folder with a directory for each class, and the first --data is "
                    "'{}'; name such a folder first",
                    settings.data.front()));
  }
}

int run_loader(Settings settings) {
  settings.bench.apply();
  check(settings);
  settings.recipe.batch_size = settings.bench.batch_size;
  if (!settings.recipe.workers) settings.recipe.workers = threads();
  const std::vector<Source> sources = measure(settings);
  settings.bench.json ? print_json(to_json(settings, sources)) : print(settings, sources);
  return 0;
}

}  // namespace

void add_bench_loader(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  settings->recipe.augment = "random-resized-crop,flip";
  settings->recipe.image_size = 224;
  settings->recipe.limit_train = 1024;
  settings->recipe.val_share = 0;
  const Command command = bench.add_command(
      "loader", "Images a second of the data loader alone: cropped at random, flipped, normalised");
  command
      .add_option("--data", settings->data,
                  "pictures to read, a folder or a packed file; several are read in turns")
      .required();
  command.add_option("--images", settings->recipe.limit_train, "pictures of an epoch, at most")
      .show_default()
      .in_range(1, 100'000'000);
  command.add_option("--image-size", settings->recipe.image_size, "side of what comes out")
      .show_default()
      .in_range(1, 4096);
  command.add_option("--workers", settings->recipe.workers, "threads, of a peer processes [--threads]")
      .in_range(1, 1024);
  settings->bench.add_run_to(command, 5, 1);
  settings->peers.add_to(command);
  command.footer(
      "Example: satsuma bench loader --data pictures --data pictures.pack --peer pytorch --peer-python "
      "/opt/torch/bin/python\n"
      "The peer is torchvision's ImageFolder with a DataLoader of as many workers.");
  command.run([settings] { return run_loader(*settings); });
}

}  // namespace satsuma::tools
