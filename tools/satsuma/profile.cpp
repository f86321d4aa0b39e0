#include "tools/satsuma/profile.hpp"

#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <string>

#include "datasets/registry.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/profile/step_profile.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string config;
  RecipeFlags flags;
  PluginFlags plugins;
  int repeat = 5;
  int warmup = 2;
  bool json = false;
  std::string csv;
  std::string trace;
};

void check(std::string_view option, int got, int least) {
  if (got >= least && got <= 10'000) return;
  throw UsageError(fmt::format("{} got {}, expected a whole number from {} to 10000", option, got, least));
}

/// What images are like: as the data set has them, or as --input says.
struct Images {
  Shape shape;
  std::int64_t classes = 10;
};

Images images_of(const train::Recipe& recipe, bool data_given) {
  Images images;
  if (data_given) {
    const datasets::Entry& entry = datasets::find(recipe.data);
    images = {entry.input, entry.classes};
  } else if (recipe.stem == "imagenet") {
    images = {{3, 224, 224}, 1000};
  } else {
    images = {{3, 32, 32}, 10};
  }
  if (!recipe.input.empty()) images.shape = recipe.input_shape();
  if (recipe.classes) images.classes = *recipe.classes;
  return images;
}

int run_profile(const Settings& settings) {
  settings.plugins.load();
  check("--repeat", settings.repeat, 1);
  check("--warmup", settings.warmup, 0);
  const bool to_stdout = settings.csv == "-" || settings.trace == "-";
  if ((settings.csv == "-" && settings.trace == "-") || (to_stdout && settings.json))
    throw UsageError("--json, --csv and --trace: only one of them can be written to standard output");
  if (settings.config.empty() && !settings.flags.given("model"))
    throw UsageError("what is to be profiled? give --model, or a recipe with --config");
  train::Recipe base;
  if (!settings.config.empty()) base = train::read_recipe(shipped_or_given("recipes", settings.config));
  train::Recipe recipe = settings.flags.apply(base);
  recipe.check();
  recipe.fill_defaults();
  use_threads(recipe.threads);
  const Images images = images_of(recipe, !settings.config.empty() || settings.flags.given("data"));
  const StepProfile profile =
      profile_steps(recipe, images.shape, images.classes, settings.repeat, settings.warmup);
  const auto write = [](const std::string& path, const std::string& text) {
    if (path == "-") {
      fmt::print("{}", text);
    } else if (!path.empty()) {
      train::write_atomically(path, text);
    }
  };
  write(settings.csv, settings.csv.empty() ? "" : profile.to_csv());
  write(settings.trace, settings.trace.empty() ? "" : profile.to_trace());
  if (settings.json) {
    print_json(profile.to_json());
  } else if (!to_stdout) {
    profile.print();
  }
  report_checks(recipe);
  return 0;
}

}  // namespace

void add_profile(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("profile", "Take a training step apart: time, speed and memory by layer and pass");
  settings->flags.add_to(command, {"model",
                                   "stem",
                                   "width",
                                   "data",
                                   "input",
                                   "classes",
                                   "method",
                                   "nm",
                                   "wu",
                                   "bp",
                                   "sr-ste",
                                   "nm-for",
                                   "dense",
                                   "refresh-masks",
                                   "device",
                                   "place",
                                   "strict-device",
                                   "precision",
                                   "threads",
                                   "batch-size",
                                   "optimizer"});
  settings->plugins.add_to(command, "Device");
  command
      .add_option("--config", settings->config,
                  "recipe: a TOML file, or the name of one that comes with Satsuma; flags override it")
      .group("Run");
  command.add_option("--repeat", settings->repeat, "steps that count").show_default().group("Run");
  command.add_option("--warmup", settings->warmup, "steps before them").show_default().group("Run");
  command.add_flag("--json", settings->json, "one JSON object on standard output").group("Run");
  command.add_option("--csv", settings->csv, "one line a part to this file, or to standard output: -")
      .group("Run");
  command
      .add_option(
          "--trace", settings->trace,
          "the last step as a trace for https://ui.perfetto.dev to this file, or to standard output: -")
      .group("Run");
  command.footer(
      "Images are noise, in the shape that --data or --input says; `bench pipeline` measures the loader.\n"
      "Each pass is waited for, which a device that works on its own does not do in training.\n"
      "Example: satsuma profile --model resnet18 --batch-size 64 --method bdwp --nm 2:8 --trace step.json");
  command.run([settings] { return run_profile(*settings); });
}

}  // namespace satsuma::tools
