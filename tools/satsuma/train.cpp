#include "tools/satsuma/train.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/train/auto_batch.hpp"
#include "satsuma/train/lr_find.hpp"
#include "satsuma/train/same_data.hpp"
#include "satsuma/train/stop_signal.hpp"
#include "satsuma/train/trainer.hpp"
#include "src/core/json.hpp"
#include "src/core/message.hpp"
#include "src/core/utf8.hpp"
#include "src/train/file_of_first.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/lr_plot.hpp"
#include "tools/satsuma/mac_budget.hpp"
#include "tools/satsuma/pictures.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/ranks.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/report/report_page.hpp"
#include "tools/satsuma/run_description.hpp"
#include "tools/satsuma/serve/live_view.hpp"
#include "tools/satsuma/train_report.hpp"
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
  bool serves = false;
  std::string serve;
  std::string lr_find;
  RecipeFlags flags;
  PluginFlags plugins;
};

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
Plan plan_of_first(const Settings& settings) {
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
  return {std::move(recipe), std::move(directory)};
}

Plan make_plan(const Settings& settings, distributed::Communicator& ranks) {
  if (ranks.size() == 1) {
    Plan plan = plan_of_first(settings);
    use_threads(plan.recipe.threads);
    plan.recipe.threads = threads();
    return plan;
  }
  const Recipe flags = settings.flags.apply({});
  const char* const alone = !settings.lr_find.empty() ? "--lr-find"
                            : flags.auto_batch        ? "--auto-batch"
                            : flags.budget_macs       ? "--budget-macs"
                                                      : nullptr;
  if (alone != nullptr) {
    throw UsageError(
        fmt::format("{} works on one process; find it out without mpirun, and give what it finds", alone));
  }
  // Files of rank 0 need not be there on other hosts.
  std::optional<Plan> plan;
  if (ranks.first()) plan.emplace(plan_of_first(settings));
  const std::string text = ranks.of_first(plan ? train::to_toml(plan->recipe) : std::string());
  if (!plan) {
    Recipe recipe = train::parse_recipe(text, "the recipe of rank 0");
    const std::string out = recipe.out;
    plan.emplace(Plan{std::move(recipe), train::RunDirectory(out, train::RunMode::guest)});
  }
  if (plan->recipe.auto_batch) throw UsageError("auto-batch works on one process; give a --batch-size");
  if (plan->recipe.budget_macs) throw UsageError("budget-macs works on one process; give its --nm-for");
  // Other hosts may have more cores or fewer, and a run goes on with more ranks or fewer.
  if (settings.resume && !settings.flags.given("threads")) plan->recipe.threads.reset();
  use_threads(plan->recipe.threads.value_or(threads_of_rank(ranks)));
  return std::move(*plan);
}

/// Throws UsageError where `recipe` is not a continuation of the run that `before` began.
void check_continues(const Recipe& before, const Recipe& recipe, train::Progress& progress) {
  for (const train::RecipeField& field : train::recipe_fields()) {
    const std::string was = field.text(before);
    const std::string is = field.text(recipe);
    if (was == is || field.traits.on_resume == train::OnResume::silent) continue;
    if (field.traits.on_resume == train::OnResume::fixed) {
      throw UsageError(
          fmt::format("--resume got --{} {}, but the run was begun with {}; leave it out, or begin another "
                      "run with another --out",
                      field.key, is, was));
    }
    progress.say(fmt::format("note: {} was {} and is {} from here on", field.key, was, is));
  }
}

/// The largest batch for --auto-batch. The recipe that is kept has its size in place of the search.
void choose_batch(Recipe& recipe, const train::ExperimentData& data, train::Progress& progress) {
  recipe.batch_size = train::find_batch_size(recipe, data, train::memory_limit(recipe), progress);
  recipe.auto_batch = false;
  progress.say(fmt::format("--batch-size {} is the largest that fits", recipe.batch_size));
}

/// The model as training begins: drawn, or with the weights of --init, and with the patterns of
/// --budget-macs.
std::shared_ptr<nn::Module> begin_model(const Settings& settings, Recipe& recipe,
                                        const train::ExperimentData& data, train::Progress& progress,
                                        distributed::Communicator& ranks) {
  std::shared_ptr<nn::Module> model = train::make_model(recipe, data.input, data.classes);
  if (!recipe.init.empty()) {
    const train::FileOfFirst init(ranks, recipe.init);
    load_weights(train::load_checkpoint(init.path()), *model, settings.strict_init, recipe.new_head);
  }
  if (recipe.budget_macs) choose_by_budget(recipe, *model, data, progress);
  return model;
}

/// Draws loss over learning rate and leaves everything else as it was.
int run_lr_find(const Settings& settings, distributed::Communicator& ranks) {
  Recipe base;
  if (!settings.config.empty()) base = train::read_recipe(shipped_or_given("recipes", settings.config));
  Recipe recipe = settings.flags.apply(base);
  recipe.check();
  recipe.fill_defaults();
  use_threads(recipe.threads);
  train::Progress progress(stderr, train::Progress::style_for(stderr, settings.quiet));
  const train::ExperimentData data = train::load_data(recipe);
  train::fill_sizes(recipe, data);
  if (recipe.auto_batch) choose_batch(recipe, data, progress);
  const std::shared_ptr<nn::Module> model = begin_model(settings, recipe, data, progress, ranks);
  const train::StopSignal signals;
  const train::LrCurve curve = train::find_lr(recipe, *model, data, progress, train::StopSignal::received);
  if (const int signal = train::StopSignal::received(); signal != 0) return 128 + signal;
  if (curve.points.empty())
    throw NumericError("the loss of the first step is not finite; look at data and --init");
  if (settings.json) {
    Json points = Json::array();
    for (const auto& point : curve.points)
      points.push_back({{"lr", point.lr}, {"loss", point.loss}, {"smoothed", point.smoothed}});
    print_json({{"steepest", curve.steepest}, {"least", curve.least}, {"points", points}});
  } else {
    print_lr_curve(curve);
  }
  draw_lr_curve(curve,
                fmt::format("{} on {}, {}, batch {}", recipe.model, recipe.data, recipe.optimizer,
                            recipe.batch_size * recipe.accumulate),
                settings.lr_find);
  progress.say(fmt::format("written to {}", settings.lr_find));
  return 0;
}

constexpr int kRefreshSeconds = 10;

/// The page of `satsuma report` for the run under way; null, and a warning, where it cannot be served.
std::unique_ptr<LiveView> start_live_view(const ServeAddress& address, const std::filesystem::path& run,
                                          train::Progress& progress) {
  std::string problem;
  std::unique_ptr<LiveView> view = serve(
      address, [run] { return report_page({read_run(run)}, kRefreshSeconds); }, problem);
  if (view) {
    progress.say(fmt::format("live view at {} until the run ends{}", view->url(),
                             address.loopback() ? "" : "; whoever reaches this machine can see it"));
  } else {
    say("warning: --serve: {}; training goes on without the live view", problem);
  }
  return view;
}

/// mpirun gives rank 0 a terminal of its own, wherever its words go in the end.
train::Progress::Style style_for(std::FILE* stream, bool quiet, const distributed::Communicator& ranks) {
  using Style = train::Progress::Style;
  if (ranks.size() == 1) return train::Progress::style_for(stream, quiet);
  return quiet || !ranks.first() ? Style::quiet : Style::plain;
}

int run_train(const Settings& settings, distributed::Communicator& ranks) {
  ServeAddress address;
  if (settings.serves) {
    check_can_serve();
    address = ServeAddress::parse(settings.serve);
  }
  settings.plugins.load();
  if (!settings.lr_find.empty() && ranks.size() == 1) return run_lr_find(settings, ranks);
  auto [recipe, directory] = make_plan(settings, ranks);
  std::FILE* const stream = settings.json ? stderr : stdout;
  train::Progress progress(stream, style_for(stream, settings.quiet, ranks));
  if (ranks.size() > 1) progress.say(ranks_text(ranks));

  const train::ExperimentData data = train::load_data(recipe);
  train::check_same_data(data, ranks);
  train::fill_sizes(recipe, data);
  const bool resumes = ranks.of_first(directory.resumes());
  if (recipe.auto_batch && resumes)
    throw UsageError("--resume goes on with the batch size that the run has; leave out --auto-batch");
  if (recipe.budget_macs && resumes)
    throw UsageError("--resume goes on with the patterns that the run has; leave out --budget-macs");
  if (recipe.auto_batch) choose_batch(recipe, data, progress);
  const std::shared_ptr<nn::Module> model = resumes ? train::make_model(recipe, data.input, data.classes)
                                                    : begin_model(settings, recipe, data, progress, ranks);
  const train::StopSignal signals;
  train::Trainer trainer(recipe, model, data, directory, progress, train::StopSignal::received, ranks);
  if (resumes) {
    const train::FileOfFirst last(ranks, directory.last());
    const train::Checkpoint checkpoint = train::load_checkpoint(last.path());
    if (checkpoint.info) {
      check_continues(train::parse_recipe(checkpoint.info->recipe, directory.last().string()), recipe,
                      progress);
    }
    trainer.resume(checkpoint);
  }
  if (ranks.first()) {
    directory.open(train::to_toml(recipe));
    write_description(directory, describe_run(recipe, *model, data, trainer.steps_per_epoch(), ranks));
  }
  describe(recipe, *model, data, trainer.steps_per_epoch(), progress);
  std::unique_ptr<LiveView> view;
  if (settings.serves && ranks.first()) view = start_live_view(address, directory.path(), progress);

  const train::Outcome outcome = trainer.run();
  std::vector<std::string> bad = trainer.bad_images();
  const auto add_left_out = [&](const std::optional<train::Evaluation>& evaluation, const auto& images) {
    if (!evaluation) return;
    for (std::string& name : evaluation->left_out_of(*images)) bad.push_back(std::move(name));
  };
  add_left_out(outcome.validation, data.validation);
  add_left_out(outcome.test, data.test);
  if (!bad.empty()) progress.say(bad_images_text(bad));
  summarise(recipe, data, directory, outcome, progress);
  if (settings.json && ranks.first()) print_json(to_json(recipe, data, *model, directory, outcome, ranks));
  if (outcome.signal != 0) return 128 + outcome.signal;
  report_checks(recipe);
  return 0;
}

}  // namespace

void add_train(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command("train", "Train a model and write a run directory");
  settings->flags.add_to(command);
  settings->plugins.add_to(command, "Device");
  command
      .add_option("--config", settings->config,
                  "recipe: a TOML file, or the name of one that comes with Satsuma; flags override it")
      .group("Run");
  command.add_flag("--resume", settings->resume, "continue the run in --out, bit for bit").group("Run");
  command.add_flag("--overwrite", settings->overwrite, "replace the run in --out").group("Run");
  command
      .add_flag("--strict-init", settings->strict_init,
                "tensors of --init that the model has no place for are an error")
      .group("Training");
  command
      .add_option(
          "--lr-find", settings->lr_find,
          "draw loss over a learning rate that grows with each step into this SVG file; train nothing")
      .value_optional()
      .show_default("lr-find.svg")
      .type_name("FILE")
      .group("Training");
  command.add_flag("--quiet", settings->quiet, "no progress and no summary").group("Run");
  command.add_flag("--json", settings->json, "one JSON object on standard output, all else on standard error")
      .group("Run");
  const Option serve =
      command
          .add_option("--serve", settings->serve,
                      "show the run as a page over HTTP, to this machine alone [port 8734, or a free one]")
          .value_optional()
          .type_name("[PORT | ADDRESS:PORT]")
          .group("Run");
  command.footer(
      "After each epoch the validation images are evaluated; best.safetensors is what is best on them, and "
      "is\n"
      "evaluated once on the test images, at the end: that is the test accuracy.\n"
      "Ctrl-C ends the step, writes last.safetensors and says how to resume. Accuracies in JSON are shares "
      "of 1.\n"
      "mpirun -np N, or srun, before the command trains on N processes, which share each batch.\n"
      "Example: satsuma train --model resnet9 --data fashion-mnist --method bdwp --nm 2:8 --out runs/first");
  command.run([settings, serve] {
    settings->serves = serve.given();
    return with_ranks([&](distributed::Communicator& ranks) { return run_train(*settings, ranks); });
  });
}

}  // namespace satsuma::tools
