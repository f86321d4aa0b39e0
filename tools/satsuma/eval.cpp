#include "tools/satsuma/eval.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/loading.hpp"
#include "satsuma/train/trainer.hpp"
#include "src/core/json.hpp"
#include "src/train/evaluation_json.hpp"
#include "src/train/same_classes.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/pictures.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/trained.hpp"
#include "tools/satsuma/use_threads.hpp"
#include "tools/satsuma/weights.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string checkpoint;
  RecipeFlags flags;
  PluginFlags plugins;
  bool json = false;
};

void check_data(const train::ExperimentData& data, const train::Recipe& recipe,
                const train::CheckpointInfo& info) {
  if (data.input == info.input && data.classes == info.classes)
    return train::check_same_classes(data, recipe, info);
  throw UsageError(fmt::format(
      "--data {} has images of {} in {} classes, but the model was trained for {} in {}", recipe.data,
      fmt::join(data.input, "x"), data.classes, fmt::join(info.input, "x"), info.classes));
}

int run_eval(const Settings& settings) {
  settings.plugins.load();
  const train::Checkpoint checkpoint = train::load_checkpoint(settings.checkpoint);
  const train::Recipe recipe = trained_recipe(checkpoint, settings.flags, {"model", "data"});
  use_threads(recipe.threads);
  const train::ExperimentData data = train::load_data(recipe);
  if (checkpoint.info) check_data(data, recipe, *checkpoint.info);
  const std::shared_ptr<nn::Module> model = train::make_model(recipe, data.input, data.classes);
  load_weights(checkpoint, *model, false);
  const bool pruned = is_pruned(*model);

  const std::shared_ptr<const data::Dataset>& images = data.test ? data.test : data.validation;
  if (!images) {
    throw UsageError(fmt::format(
        "--data {} has no test images and none for validation; keep some with --val-share 0.1", recipe.data));
  }
  data::Loader loader(images, data.normalisation, train::evaluation_options(recipe, data));
  train::Progress progress(
      stderr, settings.json ? train::Progress::Style::quiet : train::Progress::style_for(stderr, false));
  const train::Evaluation result = train::evaluate(*model, loader, {}, [&](std::int64_t done) {
                                     progress.update("evaluating", "images", done, images->size());
                                   }).value();
  // Weights may be finite and what they make of an image not.
  if (!std::isfinite(result.loss)) {
    throw NumericError(
        fmt::format("{}: the loss is {}; its weights are too large for this model, or training "
                    "had gone wrong",
                    settings.checkpoint, result.loss));
  }
  const double images_per_second = static_cast<double>(result.count) / result.seconds;
  if (settings.json) {
    Json object = train::to_json(result, *images, data.class_names);
    object.update({{"set", data.test ? "test" : "validation"},
                   {"images_per_second", images_per_second},
                   {"checkpoint", settings.checkpoint},
                   {"model", recipe.model},
                   {"data", recipe.data},
                   {"method", recipe.method},
                   {"nm", recipe.nm},
                   {"weights", pruned ? "pruned" : "dense"},
                   {"threads", threads()}});
    print_json(object);
  } else {
    fmt::print(
        "{} on {}, {}: top-1 accuracy {:.2f} %, top-5 {:.2f} %, loss {:.4f}, calibration error {:.3f}, {} "
        "images, {:.0f} images/s, {}\n",
        recipe.model, recipe.data, weights_text(pruned, recipe, checkpoint), 100 * result.top1,
        100 * result.top5, result.loss, result.calibration_error, result.count, images_per_second,
        threads_text());
    if (!result.left_out.empty()) fmt::print("{}\n", bad_images_text(result.left_out_of(*images)));
  }
  report_checks(recipe);
  return 0;
}

}  // namespace

void add_eval(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("eval", "Evaluate a checkpoint on the test images of a data set");
  command.add_option("--checkpoint", settings->checkpoint, "safetensors file of a run, or of another program")
      .required();
  command.add_flag("--json", settings->json,
                   "one JSON object on standard output, with classes, confusion, calibration, mistakes; "
                   "top1 is a share of 1");
  settings->flags.add_to(
      command, {"model",      "stem",   "width", "data",          "data-dir", "input",           "classes",
                "image-size", "resize", "crop",  "val-share",     "workers",  "skip-bad-images", "method",
                "nm",         "device", "place", "strict-device", "threads",  "batch-size"});
  settings->plugins.add_to(command, "Device");
  command.footer(
      "What is not given is as the checkpoint was trained: its weights are dense masters, and a sparse "
      "method\n"
      "prunes them as it did in training; --method dense evaluates the masters. A file of another program "
      "needs --model and "
      "--data.\n"
      "Example: satsuma eval --checkpoint runs/first/best.safetensors");
  command.run([settings] { return run_eval(*settings); });
}

}  // namespace satsuma::tools
