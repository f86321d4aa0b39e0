#include "tools/satsuma/eval.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/trainer.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/output.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/recipe_flags.hpp"
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

/// The recipe that the weights were trained with, changed by what was typed.
train::Recipe recipe_of(const Settings& settings, const train::Checkpoint& checkpoint) {
  train::Recipe base;
  if (checkpoint.info) {
    base = train::parse_recipe(checkpoint.info->recipe, settings.checkpoint);
    base.threads.reset();  // that was another machine, perhaps
    if (!checkpoint.info->method.empty()) base.method = checkpoint.info->method;
    if (!checkpoint.info->pattern.empty()) base.nm = checkpoint.info->pattern;
  } else if (!settings.flags.given("model") || !settings.flags.given("data")) {
    throw UsageError(fmt::format("{} does not say what it was trained with; give --model and --data",
                                 settings.checkpoint));
  }
  train::Recipe recipe = settings.flags.apply(base);
  recipe.check();
  use_threads(recipe.threads);
  return recipe;
}

void check_data(const train::ExperimentData& data, const train::Recipe& recipe,
                const train::CheckpointInfo& info) {
  if (data.input == info.input && data.classes == info.classes) return;
  throw UsageError(fmt::format(
      "--data {} has images of {} in {} classes, but the model was trained for {} in {}", recipe.data,
      fmt::join(data.input, "x"), data.classes, fmt::join(info.input, "x"), info.classes));
}

/// Whether a layer multiplies with pruned weights in FF, as it did in training with `recipe`.
bool is_pruned(const nn::Module& model) {
  const auto layers = model.contractions();
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& layer) { return layer->plan()[Pass::ff].weight.skips(); });
}

/// `bdwp 2:8`, or `dense`.
std::string pruning(const std::string& method, const std::string& pattern) {
  return method == "dense" ? method : fmt::format("{} {}", method, pattern);
}

/// Which weights are evaluated, made of those in the file, which are dense masters.
std::string weights_text(bool pruned, const train::Recipe& recipe, const train::Checkpoint& checkpoint) {
  std::string text = pruned ? fmt::format("weights pruned to {} by {}", recipe.nm, recipe.method)
                            : std::string("dense weights");
  if (!checkpoint.info) return text;
  const train::Recipe trained = train::parse_recipe(checkpoint.info->recipe, checkpoint.path.string());
  const std::string before = pruning(trained.method, trained.nm);
  return text + (before == pruning(recipe.method, recipe.nm) ? ", as trained" : ", trained as " + before);
}

int run_eval(const Settings& settings) {
  settings.plugins.load();
  const train::Checkpoint checkpoint = train::load_checkpoint(settings.checkpoint);
  const train::Recipe recipe = recipe_of(settings, checkpoint);
  const train::ExperimentData data = train::load_data(recipe);
  if (checkpoint.info) check_data(data, recipe, *checkpoint.info);
  const std::shared_ptr<nn::Module> model = train::make_model(recipe, data.input, data.classes);
  load_weights(checkpoint, *model, false);
  const bool pruned = is_pruned(*model);

  data::LoaderOptions options;
  options.batch_size = recipe.batch_size;
  options.shuffle = false;
  options.drop_last = false;
  data::Loader loader(data.test, data.normalisation, options);
  LongWork work("eval", "batches", loader.batches_per_epoch());
  // Asked after each batch.
  const auto count = [&] {
    work.one_more();
    return 0;
  };
  const train::Evaluation result = train::evaluate(*model, loader, count).value();
  // Weights may be finite and what they make of an image not.
  if (!std::isfinite(result.loss)) {
    throw NumericError(
        fmt::format("{}: the loss is {}; its weights are too large for this model, or training "
                    "had gone wrong",
                    settings.checkpoint, result.loss));
  }
  const double images_per_second = static_cast<double>(result.count) / result.seconds;
  if (settings.json) {
    print_json({{"top1", result.top1},
                {"loss", result.loss},
                {"count", result.count},
                {"images_per_second", images_per_second},
                {"checkpoint", settings.checkpoint},
                {"model", recipe.model},
                {"data", recipe.data},
                {"method", recipe.method},
                {"nm", recipe.nm},
                {"weights", pruned ? "pruned" : "dense"},
                {"threads", threads()}});
  } else {
    fmt::print("{} on {}, {}: top-1 accuracy {:.2f} %, loss {:.4f}, {} images, {:.0f} images/s, {}\n",
               recipe.model, recipe.data, weights_text(pruned, recipe, checkpoint), 100 * result.top1,
               result.loss, result.count, images_per_second, threads_text());
  }
  report_checks(recipe);
  return 0;
}

}  // namespace

CLI::App* add_eval(CLI::App& app, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command =
      app.add_subcommand("eval", "Evaluate a checkpoint on the test images of a data set");
  command
      ->add_option("--checkpoint", settings->checkpoint, "safetensors file of a run, or of another program")
      ->required();
  command->add_flag("--json", settings->json, "one JSON object on standard output; top1 is a share of 1");
  settings->flags.add_to(
      *command, {"model", "stem", "width", "data", "data-dir", "input", "classes", "method", "nm", "device",
                 "place", "strict-device", "threads", "batch-size"});
  settings->plugins.add_to(*command, "Device");
  command->footer(
      "What is not given is as the checkpoint was trained: its weights are dense masters, and a sparse "
      "method\n"
      "prunes them as it did in training; --method dense evaluates the masters. A file of another program "
      "needs --model and "
      "--data.\n"
      "Example: satsuma eval --checkpoint runs/first/best.safetensors");
  command->callback([settings, &run] { run = [settings] { return run_eval(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
