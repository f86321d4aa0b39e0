#include "tools/satsuma/train.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/train/stop_signal.hpp"
#include "satsuma/train/trainer.hpp"
#include "src/core/utf8.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/output.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/proposal.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/use_threads.hpp"
#include "tools/satsuma/weights.hpp"

namespace satsuma::tools {

namespace {

using train::Recipe;

struct Settings {
  std::string config;
  bool resume = false;
  bool overwrite = false;
  bool strict_init = false;
  bool quiet = false;
  bool json = false;
  RecipeFlags flags;
  PluginFlags plugins;
};

/// A run with another value of these is another run: there would be nothing to continue.
constexpr std::string_view kFixed[] = {"model",     "stem",        "width",     "data",       "input",
                                       "classes",   "limit-train", "augment",   "batch-size", "seed",
                                       "optimizer", "val-share",   "image-size"};
/// These may differ between the two halves of a run without a word.
constexpr std::string_view kFree[] = {"data-dir",  "init",       "out",     "steps",
                                      "log-every", "save-every", "workers", "tensorboard"};

bool contains(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// What a run on this data is called: of a path its last part.
std::string data_name(const std::string& data) {
  if (!train::is_path(data)) return data;
  std::error_code ignored;
  const std::filesystem::path path = std::filesystem::weakly_canonical(data, ignored);
  return path.filename().empty() ? "pictures" : path.filename().string();
}

std::string default_out(const Recipe& recipe) {
  std::string name = fmt::format("runs/{}-{}-{}", recipe.model, data_name(recipe.data), recipe.method);
  if (recipe.method == "dense") return name;
  const Pattern pattern = Pattern::parse(recipe.nm);
  return name + fmt::format("-{}-{}", pattern.n, pattern.m);
}

train::RunMode mode_of(const Settings& settings) {
  if (settings.resume && settings.overwrite) throw UsageError("--resume and --overwrite exclude each other");
  return settings.resume      ? train::RunMode::resume
         : settings.overwrite ? train::RunMode::overwrite
                              : train::RunMode::fresh;
}

/// What is run and where.
struct Plan {
  Recipe recipe;
  train::RunDirectory directory;
};

/// Defaults, the recipe file and flags, in that order; a resumed run's own config.toml is its recipe file.
Plan make_plan(const Settings& settings) {
  Recipe base;
  if (!settings.config.empty()) base = train::read_recipe(shipped_or_given("recipes", settings.config));
  Recipe recipe = settings.flags.apply(base);
  recipe.check();
  if (recipe.out.empty()) recipe.out = default_out(recipe);
  train::RunDirectory directory(recipe.out, mode_of(settings));
  if (settings.resume && settings.config.empty()) {
    const std::string out = recipe.out;
    recipe = settings.flags.apply(train::read_recipe(directory.config()));
    recipe.check();
    recipe.out = out;
  }
  // What is written to config.toml repeats the run even where defaults have changed or the machine is
  // another.
  recipe.fill_defaults();
  use_threads(recipe.threads);
  recipe.threads = threads();
  return {std::move(recipe), std::move(directory)};
}

/// Throws UsageError where `recipe` is not a continuation of the run that `before` began.
void check_continues(const Recipe& before, const Recipe& recipe, train::Progress& progress) {
  for (const train::RecipeField& field : train::recipe_fields()) {
    const std::string was = field.text(before);
    const std::string is = field.text(recipe);
    if (was == is || contains(kFree, field.key)) continue;
    if (contains(kFixed, field.key)) {
      throw UsageError(
          fmt::format("--resume got --{} {}, but the run was begun with {}; leave it out, or begin another "
                      "run with another --out",
                      field.key, is, was));
    }
    progress.say(fmt::format("note: {} was {} and is {} from here on", field.key, was, is));
  }
}

std::int64_t count_parameters(const nn::Module& model) {
  std::int64_t count = 0;
  for (const nn::Parameter& parameter : model.parameters()) count += parameter.value.numel();
  return count;
}

std::int64_t count_fallbacks(const nn::Module& model) {
  std::int64_t count = 0;
  for (const auto& layer : model.contractions()) count += layer->fallbacks();
  return count;
}

std::string method_text(const Recipe& recipe) {
  std::string text = recipe.method;
  const std::string& nm = recipe.nm_schedule.empty() ? recipe.nm : recipe.nm_schedule;
  if (recipe.method != "dense") text += " " + nm;
  return recipe.wu == "dense" ? text : fmt::format("{}, WU {}", text, recipe.wu);
}

/// `54000 training, 6000 validation and 10000 test`.
std::string parts_text(const train::ExperimentData& data) {
  std::string text = fmt::format("{} training", data.train->size());
  if (data.validation)
    text += fmt::format("{} {} validation", data.test ? "," : " and", data.validation->size());
  if (data.test) text += fmt::format(" and {} test", data.test->size());
  return text;
}

void describe(const Recipe& recipe, const nn::Module& model, const train::ExperimentData& data,
              std::int64_t batches, train::Progress& progress) {
  std::int64_t sparse = 0;
  const auto layers = model.contractions();
  for (const auto& layer : layers) sparse += layer->plan().sparse() ? 1 : 0;
  progress.say(fmt::format("{} ({} parameters) on {} ({} images of {}), {}", recipe.model,
                           short_count(static_cast<double>(count_parameters(model))), recipe.data,
                           parts_text(data), fmt::join(data.input, "x"), threads_text()));
  progress.say(fmt::format("{}, {} of {} layers sparse; {}; {} epoch{} of {} steps", method_text(recipe),
                           sparse, layers.size(), recipe.device, recipe.epochs, recipe.epochs == 1 ? "" : "s",
                           batches));
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json to_json(const Recipe& recipe, const nn::Module& model, const train::RunDirectory& directory,
             const train::Outcome& outcome) {
  const train::TrainingState& state = outcome.state;
  const auto& evaluation = outcome.evaluation;
  return {{"test_accuracy", evaluation ? Json(evaluation->top1) : Json()},
          {"test_loss", evaluation ? Json(evaluation->loss) : Json()},
          {"best_accuracy", number_or_null(state.best_accuracy)},
          {"train_loss", number_or_null(outcome.train_loss)},
          {"images_per_second", state.total.images_per_second()},
          {"steps", state.step},
          {"epochs", state.epoch},
          {"seconds", state.total.seconds},
          {"macs", state.total.work.macs()},
          {"pass_macs",
           {{"FF", state.total.work.pass_macs[0]},
            {"BP", state.total.work.pass_macs[1]},
            {"WU", state.total.work.pass_macs[2]}}},
          {"dense_macs", state.total.work.dense_macs},
          {"saving", train::saving(state.total.work)},
          {"device_seconds", state.total.work.device_seconds()},
          {"joules", state.total.work.joules()},
          {"kernel_seconds", state.total.work.kernel_seconds()},
          {"transfer_seconds", state.total.work.transfer_seconds()},
          {"bytes_moved", state.total.work.bytes_moved},
          {"fallbacks", count_fallbacks(model)},
          {"loss_scale", state.loss_scale ? Json(state.loss_scale->value) : Json()},
          {"skipped_steps", state.loss_scale ? state.loss_scale->skipped : 0},
          {"interrupted", outcome.signal != 0},
          {"model", recipe.model},
          {"data", recipe.data},
          {"method", recipe.method},
          {"nm", recipe.nm},
          {"threads", threads()},
          {"checkpoint", directory.last().string()},
          {"best_checkpoint", is_there(directory.best()) ? Json(directory.best().string()) : Json()},
          {"out", directory.path().string()}};
}

void summarise(const Recipe& recipe, const train::ExperimentData& data, const train::RunDirectory& directory,
               const train::Outcome& outcome, train::Progress& progress) {
  const train::TrainingState& state = outcome.state;
  const std::string out = shell_quoted(directory.path());
  if (outcome.signal != 0) {
    progress.say(
        fmt::format("stopped by signal {} after step {}; continue with: satsuma train --resume --out {}",
                    outcome.signal, state.step, out));
    return;
  }
  progress.say("");
  if (outcome.evaluation) {
    progress.say(fmt::format("test accuracy   {:.2f} % of {} images (best {:.2f} %)",
                             100 * outcome.evaluation->top1, outcome.evaluation->count,
                             100 * state.best_accuracy.value_or(outcome.evaluation->top1)));
    progress.say(fmt::format("speed           {:.0f} images/s, {} of training in {} steps",
                             state.total.images_per_second(), train::format_duration(state.total.seconds),
                             state.step));
    progress.say(fmt::format("multiply-adds   {}, dense {}: {:.1f} % saved",
                             short_count(static_cast<double>(state.total.work.macs())),
                             short_count(static_cast<double>(state.total.work.dense_macs)),
                             100 * train::saving(state.total.work)));
  }
  if (const train::Work& work = state.total.work; outcome.evaluation && work.device_nanoseconds > 0) {
    progress.say(fmt::format("on the card     {:.3g} s and {:.3g} J of training, modelled",
                             work.device_seconds(), work.joules()));
  }
  progress.say(fmt::format("written to      {}", directory.path().string()));
  if (!outcome.evaluation) return;
  progress.say("try next");
  const std::filesystem::path best = is_there(directory.best()) ? directory.best() : directory.last();
  progress.say(fmt::format("  satsuma eval --checkpoint {}", shell_quoted(best)));
  const char* const other = recipe.method == "dense" ? "bdwp" : "dense";
  progress.say(fmt::format("  satsuma train --config {} --method {} --out {}",
                           shell_quoted(directory.config()), other,
                           shell_quoted(beside(directory.path(), fmt::format("-{}", other)))));
  progress.say(fmt::format("  satsuma info --model {} --width {} --input {} --method {} --nm {}",
                           recipe.model, recipe.width, fmt::join(data.input, "x"), recipe.method, recipe.nm));
}

int run_train(const Settings& settings) {
  settings.plugins.load();
  auto [recipe, directory] = make_plan(settings);
  std::FILE* const stream = settings.json ? stderr : stdout;
  train::Progress progress(stream, train::Progress::style_for(stream, settings.quiet));

  const train::ExperimentData data = train::load_data(recipe);
  train::fill_sizes(recipe, data);
  const std::shared_ptr<nn::Module> model = train::make_model(recipe, data.input, data.classes);
  const train::StopSignal signals;
  train::Trainer trainer(recipe, model, data, directory, progress, train::StopSignal::received);
  if (directory.resumes()) {
    const train::Checkpoint checkpoint = train::load_checkpoint(directory.last());
    if (checkpoint.info) {
      check_continues(train::parse_recipe(checkpoint.info->recipe, directory.last().string()), recipe,
                      progress);
    }
    trainer.resume(checkpoint);
  } else if (!recipe.init.empty()) {
    load_weights(train::load_checkpoint(recipe.init), *model, settings.strict_init);
  }
  directory.open(train::to_toml(recipe));
  describe(recipe, *model, data, trainer.batches_per_epoch(), progress);

  const train::Outcome outcome = trainer.run();
  if (const std::vector<std::string> bad = trainer.bad_images(); !bad.empty()) {
    progress.say(fmt::format("{} image{} could not be read and {} passed over, such as {}", bad.size(),
                             bad.size() == 1 ? "" : "s", bad.size() == 1 ? "was" : "were",
                             shown(bad.front())));
  }
  summarise(recipe, data, directory, outcome, progress);
  if (settings.json) print_json(to_json(recipe, *model, directory, outcome));
  if (outcome.signal != 0) return 128 + outcome.signal;
  report_checks(recipe);
  return 0;
}

}  // namespace

CLI::App* add_train(CLI::App& app, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command = app.add_subcommand("train", "Train a model and write a run directory");
  settings->flags.add_to(*command);
  settings->plugins.add_to(*command, "Device");
  command
      ->add_option("--config", settings->config,
                   "recipe: a TOML file, or the name of one that comes with Satsuma; flags override it")
      ->group("Run");
  command->add_flag("--resume", settings->resume, "continue the run in --out, bit for bit")->group("Run");
  command->add_flag("--overwrite", settings->overwrite, "replace the run in --out")->group("Run");
  command
      ->add_flag("--strict-init", settings->strict_init,
                 "tensors of --init that the model has no place for are an error")
      ->group("Training");
  command->add_flag("--quiet", settings->quiet, "no progress and no summary")->group("Run");
  command
      ->add_flag("--json", settings->json, "one JSON object on standard output, all else on standard error")
      ->group("Run");
  command->footer(
      "Ctrl-C ends the step, writes last.safetensors and says how to resume. Accuracies in JSON are shares "
      "of 1.\n"
      "Example: satsuma train --model resnet9 --data fashion-mnist --method bdwp --nm 2:8 --out runs/first");
  command->callback([settings, &run] { run = [settings] { return run_train(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
