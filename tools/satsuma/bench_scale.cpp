#include "tools/satsuma/bench_scale.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/placement.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/ranks.hpp"
#include "tools/satsuma/scale/carrying.hpp"
#include "tools/satsuma/scale/trainee.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

using scale::MeasuredStep;
using scale::ModelledStep;

struct Settings {
  BenchSettings bench;
  std::vector<std::string> methods = {"dense", "bdwp"};
  std::vector<std::int64_t> ranks = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  std::int64_t whole_batch = 1024;
  double gbps = 10;
  double latency_us = 20;
  std::string exchange = "fp32";
};

void check(const Settings& settings) {
  if (settings.methods.empty()) throw UsageError("--methods got nothing, expected names such as dense,bdwp");
  for (const std::string& method : settings.methods) train::LayerOptions().set_method(method);
  for (const std::int64_t count : settings.ranks) {
    if (count < 1 || count > 1'000'000)
      throw UsageError(fmt::format("--ranks got {}, expected numbers from 1 to 1000000", count));
  }
  if (!(settings.gbps > 0))
    throw UsageError(fmt::format("--gbps got {}, expected more than 0", settings.gbps));
  if (!(settings.latency_us >= 0))
    throw UsageError(fmt::format("--latency-us got {}, expected 0 or more", settings.latency_us));
  if (settings.whole_batch < 1)
    throw UsageError(fmt::format("--whole-batch got {}, expected 1 or more", settings.whole_batch));
  train::Recipe recipe;
  recipe.exchange = settings.exchange;
  recipe.check();
}

/// Of several measurements each part's median, and how far they are apart.
MeasuredStep median_of(const std::vector<MeasuredStep>& all) {
  const auto middle = [&](auto&& part) {
    std::vector<double> values;
    for (const MeasuredStep& one : all) values.push_back(part(one));
    return median(values);
  };
  MeasuredStep result = all.front();
  result.forward = middle([](const MeasuredStep& one) { return one.forward; });
  result.backward = middle([](const MeasuredStep& one) { return one.backward; });
  result.update = middle([](const MeasuredStep& one) { return one.update; });
  result.copying = middle([](const MeasuredStep& one) { return one.copying; });
  for (std::size_t b = 0; b < result.buckets.size(); ++b)
    result.buckets[b].ready = middle([&](const MeasuredStep& one) { return one.buckets[b].ready; });
  const auto whole = [](const MeasuredStep& one) {
    return one.forward + one.backward + one.copying + one.update;
  };
  const double typical = middle(whole);
  result.spread.clear();
  for (const MeasuredStep& one : all) result.spread.push_back(whole(one) / typical);
  return result;
}

Json to_json(const std::vector<ModelledStep>& steps) {
  Json rows = Json::array();
  for (const ModelledStep& step : steps) {
    rows.push_back({{"ranks", step.ranks},
                    {"images_per_rank", step.images},
                    {"seconds", step.seconds},
                    {"exposed_seconds", step.exposed},
                    {"transfer_seconds", step.transfers},
                    {"efficiency", step.efficiency}});
  }
  const std::int64_t limit = scale::network_limit(steps);
  return {{"steps", rows}, {"network_limits_from", limit > 0 ? Json(limit) : Json()}};
}

void print(const std::vector<ModelledStep>& steps) {
  Table table({"ranks", "images each", "ms a step", "waits for network", "efficiency"},
              std::vector<Table::Align>(5, Table::Align::right));
  for (const ModelledStep& step : steps) {
    table.add({std::to_string(step.ranks), fmt::format("{:.0f}", step.images),
               fmt::format("{:.1f}", 1e3 * step.seconds),
               fmt::format("{:.1f} %", 100 * step.exposed / step.seconds),
               fmt::format("{:.3f}", step.efficiency)});
  }
  table.print();
  const std::int64_t limit = scale::network_limit(steps);
  if (limit > 0) {
    fmt::print("the network is the limit from {} ranks on: more than {:.0f} % of a step waits for it\n",
               limit, 100 * scale::kLimit);
  } else {
    fmt::print("the network is no limit: no more than {:.0f} % of a step waits for it\n",
               100 * scale::kLimit);
  }
}

int run_model(const Settings& settings) {
  settings.bench.apply();
  const double carrying = scale::carrying_seconds() / threads();
  const scale::Network network = scale::ethernet(settings.gbps * 1e9, settings.latency_us * 1e-6, carrying);
  Json methods = Json::object();
  LongWork work(
      "bench scale", "steps",
      static_cast<std::int64_t>(settings.methods.size()) * (settings.bench.warmup + settings.bench.repeat));
  if (!settings.bench.json) {
    fmt::print(
        "modelled from steps of one process, {} images, {}; {} Gbit/s, {} us, {:.2f} ns of a rank's "
        "work for a byte, gradients in {}\n",
        settings.bench.batch_size, BenchSettings::machine_line(), settings.gbps, settings.latency_us,
        1e9 * carrying, settings.exchange);
  }
  for (const std::string& method : settings.methods) {
    scale::Trainee trainee(settings.bench, method, settings.exchange, distributed::alone());
    std::vector<MeasuredStep> all;
    for (int i = 0; i < settings.bench.warmup + settings.bench.repeat; ++i) {
      const MeasuredStep one = trainee.parts();
      if (i >= settings.bench.warmup) all.push_back(one);
      work.one_more();
    }
    const MeasuredStep measured = median_of(all);
    const auto weak = scale::weak_scaling(measured, network, settings.ranks);
    const auto strong = scale::strong_scaling(measured, network, settings.ranks, settings.whole_batch);
    double bytes = 0;
    for (const MeasuredStep::Bucket& bucket : measured.buckets) bytes += bucket.bytes;
    if (settings.bench.json) {
      methods[method] = {{"forward_seconds", measured.forward},
                         {"backward_seconds", measured.backward},
                         {"update_seconds", measured.update},
                         {"copying_seconds", measured.copying},
                         {"spread", measured.spread},
                         {"buckets", measured.buckets.size()},
                         {"gradient_bytes", bytes},
                         {"weak", to_json(weak)},
                         {"strong", to_json(strong)}};
      continue;
    }
    fmt::print("\n{}: forward {:.1f} ms, backward {:.1f} ms, update {:.1f} ms, buckets {} of {} in all\n",
               method, 1e3 * measured.forward, 1e3 * measured.backward, 1e3 * measured.update,
               measured.buckets.size(), short_bytes(static_cast<std::size_t>(bytes)));
    fmt::print("weak scaling, {} images a rank\n", settings.bench.batch_size);
    print(weak);
    fmt::print("strong scaling, {} images in all\n", settings.whole_batch);
    print(strong);
  }
  if (settings.bench.json) {
    Json object = settings.bench.work("scale", "cpu");
    object["modelled"] = true;
    object["machine"] = BenchSettings::machine();
    object["gbps"] = settings.gbps;
    object["latency_us"] = settings.latency_us;
    object["carrying_seconds_per_byte"] = carrying;
    object["exchange"] = settings.exchange;
    object["whole_batch"] = settings.whole_batch;
    object["methods"] = methods;
    print_json(object);
  }
  return 0;
}

/// What a method's turns took, in seconds.
struct Turns {
  std::vector<double> alone;
  std::vector<double> together;
  double waited = 0;  ///< of the time of `together`, the mean over ranks
};

/// One rank with all cores of its host and the whole batch, and then all ranks with their shares of both.
Turns take_turns(const Settings& settings, const std::string& method, distributed::Communicator& ranks,
                 int cores) {
  std::unique_ptr<scale::Trainee> alone;
  if (ranks.first())
    alone = std::make_unique<scale::Trainee>(settings.bench, method, settings.exchange, distributed::alone());
  scale::Trainee together(settings.bench, method, settings.exchange, ranks);
  const int own = std::max(1, cores / ranks.ranks_on_this_host());
  Turns turns;
  double waited = 0, seconds = 0;
  for (int i = 0; i < settings.bench.warmup + settings.bench.repeat; ++i) {
    const bool counts = i >= settings.bench.warmup;
    if (alone) {
      // The first step of a turn finds threads and caches as the other left them.
      set_threads(cores);
      alone->step();
      const double took = alone->step();
      if (counts) turns.alone.push_back(took);
    }
    set_threads(own);
    ranks.gather(0);
    together.step();
    const double waited_before = together.waited();
    const double took = together.step();
    // The slowest rank says how long it took.
    const std::vector<double> all = ranks.gather(took);
    if (!counts) continue;
    turns.together.push_back(*std::max_element(all.begin(), all.end()));
    waited += together.waited() - waited_before;
    seconds += took;
  }
  for (const double share : ranks.gather(seconds > 0 ? waited / seconds : 0))
    turns.waited += share / ranks.size();
  return turns;
}

int run_measured(const Settings& settings, distributed::Communicator& ranks) {
  if (settings.bench.batch_size < ranks.size()) {
    throw UsageError(fmt::format("--batch-size got {}, expected at least one image for each of the {} ranks",
                                 settings.bench.batch_size, ranks.size()));
  }
  if (!share_cores(ranks))
    throw UsageError(
        "bench scale gives all cores of a host to one process in turns, but ranks are bound to cores of "
        "their own; leave out --bind-to, or give srun --cpu-bind=none");
  const auto on_host = static_cast<std::int64_t>(ranks.ranks_on_this_host());
  const auto cores = static_cast<int>(settings.bench.threads.value_or(threads_of_rank(ranks) * on_host));
  settings.bench.apply();
  const auto hosts =
      static_cast<double>(std::set<std::string>(ranks.hosts().begin(), ranks.hosts().end()).size());
  set_threads(std::max(1, cores / static_cast<int>(on_host)));
  const std::string who = ranks_text(ranks);
  if (ranks.first() && !settings.bench.json) {
    fmt::print("{}, {} images in all; against one process with {} thread{}\n", who, settings.bench.batch_size,
               cores, cores == 1 ? "" : "s");
  }
  Table table({"method", "one process, ms", "all ranks, ms", "efficiency", "waiting"},
              {Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right,
               Table::Align::right});
  Json methods = Json::object();
  for (const std::string& method : settings.methods) {
    const Turns turns = take_turns(settings, method, ranks, cores);
    if (!ranks.first()) continue;
    const double alone = median(turns.alone);
    const double together = median(turns.together);
    const double efficiency = alone / (hosts * together);
    methods[method] = {{"alone_seconds", spread(turns.alone)},
                       {"together_seconds", spread(turns.together)},
                       {"efficiency", efficiency},
                       {"waiting", turns.waited}};
    table.add({method, fmt::format("{:.1f}", 1e3 * alone), fmt::format("{:.1f}", 1e3 * together),
               fmt::format("{:.3f}", efficiency), fmt::format("{:.1f} %", 100 * turns.waited)});
  }
  if (!ranks.first()) return 0;
  if (!settings.bench.json) {
    table.print();
    return 0;
  }
  Json object = settings.bench.work("scale", "cpu");
  object["modelled"] = false;
  object["machine"] = BenchSettings::machine();
  object["ranks"] = ranks.size();
  object["hosts"] = ranks.hosts();
  object["threads_alone"] = cores;
  object["exchange"] = settings.exchange;
  object["methods"] = methods;
  print_json(object);
  return 0;
}

int run_scale(const Settings& settings, distributed::Communicator& ranks) {
  check(settings);
  return ranks.size() > 1 ? run_measured(settings, ranks) : run_model(settings);
}

}  // namespace

void add_bench_scale(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  const Command command = bench.add_command(
      "scale", "Training steps over ranks: measured under mpirun, else modelled for many of them");
  settings->bench.add_to(command, 5, 2);
  command.add_option("--methods", settings->methods, "methods, separated by commas, as of bench step")
      .split_at_commas()
      .show_default();
  command.add_option("--ranks", settings->ranks, "modelled numbers of ranks, separated by commas")
      .split_at_commas()
      .show_default();
  command
      .add_option("--whole-batch", settings->whole_batch,
                  "modelled strong scaling: images of all ranks together")
      .show_default();
  command.add_option("--gbps", settings->gbps, "modelled link of a rank, in each direction, Gbit/s")
      .show_default();
  command.add_option("--latency-us", settings->latency_us, "modelled latency of a message, microseconds")
      .show_default();
  command.add_option("--exchange", settings->exchange, "how gradients travel: fp32 or bf16").show_default();
  command.footer(
      "Under mpirun -np N: one process with all cores of a host and the whole --batch-size, and N ranks that "
      "share "
      "both,\n"
      "in turns; an efficiency of 1 is as fast as one process with the same cores. --threads is of a host.\n"
      "Else: from the times of one process with --batch-size images, when each bucket of gradients is there, "
      "and the "
      "network.\n"
      "Example: satsuma bench scale --model resnet50 --stem imagenet --batch-size 32 --gbps 10 --ranks "
      "1,2,4,8\n"
      "         mpirun -np 2 satsuma bench scale --model resnet18 --batch-size 128");
  command.run([settings] {
    return with_ranks([&](distributed::Communicator& ranks) { return run_scale(*settings, ranks); });
  });
}

}  // namespace satsuma::tools
