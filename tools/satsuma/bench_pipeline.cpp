#include "tools/satsuma/bench_pipeline.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/loading.hpp"
#include "satsuma/train/placement.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/table.hpp"
#include "tools/satsuma/trainee.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  BenchSettings bench;
  train::Recipe recipe;  ///< its data, augmentation, method, precision and device
  bool own_classes = false;
  std::int64_t slice = 20;
};

/// Images a second of one core, for pictures that are decoded: what a step's data take and where.
struct PictureRates {
  double decode = 0;
  double transform = 0;  ///< resizing, augmentation, normalisation and layout
};

/// Seconds a step in each slice.
struct Slices {
  std::vector<double> bare;    ///< the same batch again and again
  std::vector<double> loaded;  ///< each batch from the loader
  std::vector<double> waited;  ///< of `loaded`, until the batch was there
  double alone = 0;            ///< for a batch, when the loader has the machine to itself
  std::optional<PictureRates> pictures = {};

  std::vector<double> ratios() const {
    std::vector<double> result(bare.size());
    std::transform(loaded.begin(), loaded.end(), bare.begin(), result.begin(), std::divides<>());
    return result;
  }
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Numbers of batches and slices that an epoch has room for.
std::int64_t slices_of(const Settings& settings, std::int64_t batches) {
  if (settings.slice < 1 || settings.slice > batches) {
    throw UsageError(
        fmt::format("--slice got {}, expected 1 to {}, the steps of an epoch", settings.slice, batches));
  }
  return std::min<std::int64_t>(settings.bench.repeat, batches / settings.slice);
}

/// Decoding alone, then all that the loader does of the same images on one thread. Empty where there is
/// nothing to decode.
std::optional<PictureRates> picture_rates(const train::ExperimentData& data, data::LoaderOptions options) {
  if (data.train->image_shape().numel() > 0) return std::nullopt;
  options.shuffle = false;
  options.threads = 1;
  options.prefetch = 1;
  data::Loader loader(data.train, data.normalisation, options);
  const std::int64_t batches =
      std::min<std::int64_t>(loader.batches_per_epoch(), 1 + 512 / options.batch_size);
  const std::int64_t images = batches * options.batch_size;
  const auto decode = [&] {
    data::Image image;
    const auto begin = Clock::now();
    for (std::int64_t i = 0; i < images; ++i) data.train->read(i, image, 2 * data.input[1]);
    return seconds_since(begin);
  };
  decode();  // the files are in the page cache then
  const double decoding = decode();
  const auto begin = Clock::now();
  data::Batch batch;
  loader.start(0);
  for (std::int64_t i = 0; i < batches; ++i) loader.next(batch);
  const double all = seconds_since(begin);
  const auto count = static_cast<double>(images);
  return PictureRates{count / decoding, count / std::max(all - decoding, 1e-9)};
}

/// What a batch costs when nobody trains.
double loader_alone(data::Loader& loader, std::int64_t most) {
  constexpr std::int64_t kPrefetched = 4;  // ready already, and not made during the measurement
  data::Batch batch;
  loader.start(0);
  const std::int64_t count = std::min<std::int64_t>(most, 64);
  for (std::int64_t i = 0; i < std::min(kPrefetched, count - 1); ++i) loader.next(batch);
  const auto begin = Clock::now();
  std::int64_t timed = 0;
  for (; timed + kPrefetched < count && loader.next(batch); ++timed) {
  }
  return timed > 0 ? seconds_since(begin) / static_cast<double>(timed) : 0;
}

Slices measure(const Settings& settings, data::Loader& loader, Trainee& trainee) {
  Slices slices;
  const std::int64_t count = slices_of(settings, loader.batches_per_epoch());
  slices.alone = loader_alone(loader, loader.batches_per_epoch());
  loader.start(0);
  data::Batch batch;
  const auto per_step = [&](double seconds) { return seconds / static_cast<double>(settings.slice); };
  FixedBatch resident;
  {
    data::Batch first;
    loader.next(first);
    resident = {first.images, first.labels};
  }
  loader.start(0);
  for (int i = 0; i < std::max(settings.bench.warmup, 1); ++i) trainee.step(resident, false);
  LongWork work("bench pipeline", "slices", count);
  for (std::int64_t s = 0; s < count; ++s) {
    work.done(s);
    auto begin = Clock::now();
    for (std::int64_t i = 0; i < settings.slice; ++i) trainee.step(resident, false);
    slices.bare.push_back(per_step(seconds_since(begin)));

    double waited = 0;
    begin = Clock::now();
    for (std::int64_t i = 0; i < settings.slice; ++i) {
      const auto asked = Clock::now();
      loader.next(batch);
      waited += seconds_since(asked);
      trainee.step({batch.images, batch.labels}, false);
    }
    slices.loaded.push_back(per_step(seconds_since(begin)));
    slices.waited.push_back(per_step(waited));
  }
  return slices;
}

double step_images_per_second(const Settings& settings, const Slices& slices) {
  return static_cast<double>(settings.bench.batch_size) / median(slices.bare);
}

Json to_json(const Settings& settings, const Slices& slices) {
  Json object = settings.bench.work("pipeline", settings.recipe.device);
  object["data"] = settings.recipe.data;
  object["augment"] = settings.recipe.augment;
  object["method"] = settings.recipe.method;
  object["nm"] = settings.bench.pattern;
  object["precision"] = settings.recipe.precision;
  object["steps_a_slice"] = settings.slice;
  object["slices"] = slices.bare.size();
  object["machine"] = BenchSettings::machine();
  object["bare_seconds"] = spread(slices.bare);
  object["loaded_seconds"] = spread(slices.loaded);
  object["waited_seconds"] = spread(slices.waited);
  object["loader_alone_seconds"] = slices.alone;
  object["ratio"] = spread(slices.ratios());
  if (slices.pictures) {
    object["decode_images_per_second"] = slices.pictures->decode;
    object["transform_images_per_second"] = slices.pictures->transform;
    object["step_images_per_second"] = step_images_per_second(settings, slices);
  }
  return object;
}

void print(const Settings& settings, const Slices& slices) {
  const std::vector<double> ratios = slices.ratios();
  const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{} on {}, augmentation {}, batch {}, {} {} {}; {}\n", settings.bench.model.model,
             settings.recipe.data, settings.recipe.augment, settings.bench.batch_size, settings.recipe.method,
             settings.bench.pattern, settings.recipe.precision, BenchSettings::machine_line());
  fmt::print("Slices of {} steps, {} with one batch that stays and {} with the loader's, in turns.\n\n",
             settings.slice, slices.bare.size(), slices.loaded.size());
  using enum Table::Align;
  Table table({"step", "ms", "quartiles"}, {left, right, right});
  const auto row = [&](const char* name, const std::vector<double>& seconds) {
    table.add(
        {name, fmt::format("{:.2f}", 1e3 * median(seconds)),
         fmt::format("{:.2f} to {:.2f}", 1e3 * quantile(seconds, 0.25), 1e3 * quantile(seconds, 0.75))});
  };
  row("batch stays", slices.bare);
  row("batch from the loader", slices.loaded);
  row("  of it waiting", slices.waited);
  table.print();
  if (slices.pictures) {
    fmt::print(
        "\nImages a second of one core: {:.0f} decoded, {:.0f} transformed; of the step on {}: {:.0f}.\n",
        slices.pictures->decode, slices.pictures->transform, threads_text(),
        step_images_per_second(settings, slices));
  }
  fmt::print("\nThe loader alone takes {:.2f} ms a batch.\n", 1e3 * slices.alone);
  fmt::print("With the loader a step takes {:.3f} ({:.3f} to {:.3f}) times as long.\n", median(ratios),
             *least, *greatest);
}

int run_pipeline(const Settings& given) {
  Settings settings = given;
  settings.recipe.input = settings.bench.model.input;
  if (settings.own_classes) settings.recipe.classes = settings.bench.model.classes;
  find_method(settings.recipe.method);
  train::parse_precision(settings.recipe.precision);
  settings.recipe.batch_size = settings.bench.batch_size;
  settings.recipe.val_share = 0;
  data::parse_augment(settings.recipe.augment);
  settings.bench.apply();
  const train::ExperimentData data = train::load_data(settings.recipe);
  const data::LoaderOptions options = train::training_options(settings.recipe, data);
  const std::string input = fmt::format("{}", fmt::join(data.input, "x"));
  if (!settings.recipe.input.empty() && !(settings.recipe.input_shape() == data.input)) {
    throw UsageError(fmt::format("--input got {}, but {} has images of {}; leave it out",
                                 settings.recipe.input, settings.recipe.data, input));
  }
  if (settings.own_classes && *settings.recipe.classes != data.classes) {
    throw UsageError(fmt::format("--classes got {}, but {} has {}; leave it out", *settings.recipe.classes,
                                 settings.recipe.data, data.classes));
  }
  settings.bench.model.input = input;
  settings.bench.model.classes = data.classes;
  data::Loader loader(data.train, data.normalisation, options);
  slices_of(settings, loader.batches_per_epoch());
  Trainee trainee(settings.bench, settings.recipe.device, settings.recipe.method, settings.recipe.precision);
  Slices slices = measure(settings, loader, trainee);
  slices.pictures = picture_rates(data, options);
  if (settings.bench.json) {
    print_json(to_json(settings, slices));
  } else {
    print(settings, slices);
  }
  report_checks(settings.recipe.device);
  return 0;
}

}  // namespace

void add_bench_pipeline(const Command& bench) {
  const auto settings = std::make_shared<Settings>();
  settings->recipe.method = "bdwp";
  const Command command = bench.add_command(
      "pipeline", "Training steps on the loader's batches against steps on a batch that stays");
  settings->bench.add_to(command, 10, 3);
  command.option("--repeat").description("slices of each, in turns; at most an epoch of the loader's");
  for (const auto& [flag, member] : {std::pair{"--data", &train::Recipe::data},
                                     {"--data-dir", &train::Recipe::data_dir},
                                     {"--augment", &train::Recipe::augment},
                                     {"--method", &train::Recipe::method},
                                     {"--precision", &train::Recipe::precision},
                                     {"--device", &train::Recipe::device}}) {
    const train::RecipeField& field = train::find_recipe_field(flag + 2);
    command.add_option(flag, settings->recipe.*member, std::string(field.help)).show_default();
  }
  command.add_option("--slice", settings->slice, "steps of a slice").show_default();
  command.footer(
      "Example: satsuma bench pipeline --model resnet9 --data fashion-mnist --batch-size 128\n"
      "The loader reads, augments, normalises and lays out the batches of an epoch on threads of its own. "
      "For a\n"
      "folder of pictures (--data PATH) it also says how fast one core decodes and transforms them.");
  command.run([settings, classes = command.option("--classes")] {
    settings->own_classes = classes.given();
    return run_pipeline(*settings);
  });
}

}  // namespace satsuma::tools
