#include "tools/satsuma/compare.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/duration.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/stop_signal.hpp"
#include "satsuma/train/study.hpp"
#include "src/train/new_directories.hpp"
#include "tools/satsuma/compare/claim.hpp"
#include "tools/satsuma/compare/devices.hpp"
#include "tools/satsuma/compare/page.hpp"
#include "tools/satsuma/compare/plan.hpp"
#include "tools/satsuma/compare/tables.hpp"
#include "tools/satsuma/compare/training.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/table.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

using compare::Ending;
using compare::PlannedRun;

struct Settings {
  std::string config;
  std::vector<std::string> methods;
  std::vector<std::string> patterns;
  std::vector<std::string> seeds;
  std::vector<std::string> axes;
  std::vector<std::string> devices;
  std::string out = "runs/compare";
  std::string budget;
  double margin = 0.5;
  bool dry_run = false;
  bool retry = false;
  bool yes = false;
  bool quiet = false;
  bool json = false;
  RecipeFlags flags;
};

train::StudyText study_text(const Settings& settings) {
  train::StudyText text;
  text.seeds = {"3"};
  if (!settings.config.empty()) text = train::read_study(settings.config, std::move(text));
  text.base = settings.flags.apply(text.base);
  for (auto& [name, recipe] : text.named) recipe = settings.flags.apply(recipe);
  if (!settings.methods.empty()) text.methods = settings.methods;
  if (!settings.patterns.empty()) text.patterns = settings.patterns;
  if (!settings.seeds.empty()) text.seeds = settings.seeds;
  for (const std::string& axis : settings.axes) text.axes.push_back(train::Axis::parse(axis));
  return text;
}

/// Time that is left, and what the others of the plan take.
class Clock {
 public:
  explicit Clock(double budget) : budget_(budget) {}
  double left() const {
    return budget_ - std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  double budget_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

std::string title_of(const PlannedRun& planned) {
  return fmt::format("{} seed {}", planned.run->variant->name, planned.run->seed);
}

/// Says what came of the epochs of a run that another process trains, when they are in its log.
class Epochs {
 public:
  Epochs(const PlannedRun& planned, train::Progress& progress)
      : planned_(planned), progress_(progress), said_(planned.state.epochs()) {}

  void look() {
    if (std::chrono::steady_clock::now() < next_) return;
    next_ = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (const compare::EpochRecord& epoch : compare::read_epochs(planned_.run->recipe.out)) {
      if (epoch.epoch <= said_) continue;
      said_ = epoch.epoch;
      const std::string accuracy = epoch.accuracy ? fmt::format("  {:.2f} %", 100 * *epoch.accuracy) : "";
      progress_.say(fmt::format("{}: epoch {}/{}{}", title_of(planned_), epoch.epoch,
                                planned_.run->recipe.epochs, accuracy));
    }
  }

 private:
  const PlannedRun& planned_;
  train::Progress& progress_;
  std::int64_t said_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

/// Makes one run, unless another process does or has. False when a signal came.
bool make_run(PlannedRun& planned, bool retry, train::Progress& progress) {
  const compare::RunFiles files(*planned.run);
  const auto claim = compare::claim(files.claim());
  if (!claim) {
    progress.say(fmt::format("{}: another process is at it", title_of(planned)));
    return true;
  }
  // Another process may have ended it between our plan and our claim.
  if (compare::RunState now = compare::state_of(*planned.run); now.finished() || (now.failed() && !retry)) {
    planned.state = std::move(now);
    return true;
  }
  progress.say(fmt::format("{}: about {}", title_of(planned), train::format_duration(planned.seconds)));
  Epochs epochs(planned, progress);
  const Ending ending = compare::train_run(*planned.run, [&] {
    epochs.look();
    return train::StopSignal::received();
  });
  planned.state = compare::state_of(*planned.run);
  if (ending == Ending::finished) {
    progress.say(fmt::format("{}: {:.2f} % in {}", title_of(planned),
                             100 * (*planned.state.result)["test_accuracy"].get<double>(),
                             train::format_duration((*planned.state.result)["seconds"].get<double>())));
  } else if (ending == Ending::failed) {
    progress.say(fmt::format("{}: failed: {}", title_of(planned), planned.state.failure));
  } else if (train::StopSignal::received() == 0) {
    progress.say(
        fmt::format("{}: stopped by --max-time; the same command goes on with it", title_of(planned)));
  }
  return train::StopSignal::received() == 0;
}

/// Until the run has ended or nobody is at it: ranks end at their own times, and the first says what came of
/// all.
void wait_for(const PlannedRun& planned) {
  const compare::RunFiles files(*planned.run);
  while (train::StopSignal::received() == 0) {
    const compare::RunState now = compare::state_of(*planned.run);
    if (now.finished() || now.failed() || compare::claim(files.claim())) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

void write_results(const compare::Results& results, const std::filesystem::path& out,
                   const std::string& title) {
  const auto write = [&](const char* name, const std::string& text) {
    train::write_atomically(out / name, text);
  };
  write("compare.md", compare::to_markdown(results, title));
  write("compare.csv", compare::to_csv(results));
  write("compare.json", to_text(compare::to_json(results)));
  write("compare.html", compare::html_page(results, title));
  if (const std::string picture = compare::accuracy_picture(results); !picture.empty())
    write("accuracy.svg", picture);
}

void print_results(const compare::Results& results) {
  std::vector<Table::Align> columns(compare::heading().size(), Table::Align::right);
  columns.front() = Table::Align::left;
  Table table(compare::heading(), columns);
  for (const std::vector<std::string>& row : compare::cells(results)) table.add(row);
  table.print();
  fmt::print("{}\n", compare::target_text(results));
}

/// One layer after the other on every device; trains nothing.
int run_devices(const Settings& settings) {
  const train::Study study = train::make_study(study_text(settings), settings.yes);
  const train::Recipe& recipe = study.variants.back().recipe;
  use_threads(recipe.threads);
  const std::vector<compare::DevicePass> passes = compare::compare_devices(recipe, settings.devices);
  if (settings.json) {
    print_json(compare::to_json(passes));
  } else {
    compare::print(passes);
    fmt::print(
        "{}, batch {}; errors are the largest difference to {} over its largest magnitude; noise in, noise "
        "back\n",
        study.variants.back().name, recipe.batch_size, settings.devices.front());
  }
  return 0;
}

int run_compare(const Settings& settings) {
  // Ranks share the runs by their claims, and each run is one process with this rank's share of the cores.
  const distributed::Launch launch = distributed::launch_of_process();
  distributed::forget_launch();
  // What nobody shares is said once.
  if (launch.rank != 0 && (settings.dry_run || !settings.devices.empty())) return 0;
  if (!settings.devices.empty()) return run_devices(settings);
  const train::Study study = train::make_study(study_text(settings), settings.yes);
  std::vector<train::StudyRun> runs = study.runs(settings.out);
  for (train::StudyRun& run : runs) {
    if (launch.on_host > 1 && !run.recipe.threads)
      run.recipe.threads = std::max(1, default_threads().count / launch.on_host);
  }
  const double budget = settings.budget.empty() ? std::numeric_limits<double>::infinity()
                                                : train::parse_duration("--budget", settings.budget);
  if (!(settings.margin >= 0 && settings.margin < 100))
    throw UsageError(fmt::format("--margin got {}, expected points from 0 to 100", settings.margin));
  use_threads(runs.front().recipe.threads);
  std::FILE* const stream = settings.json ? stderr : stdout;
  train::Progress progress(stream, train::Progress::style_for(stream, settings.quiet));
  compare::Estimate estimate;
  Clock clock(budget);
  if (!settings.dry_run)
    train::make_directories(std::filesystem::path(settings.out) / "runs",
                            "create the comparison's directory");
  std::vector<PlannedRun> plan = compare::make_plan(runs, settings.retry, clock.left(), estimate);
  if (settings.dry_run) {
    compare::print_plan(plan);
    fmt::print("{}\n", compare::summary(plan));
    return 0;
  }
  progress.say(compare::summary(plan));

  const train::StopSignal signals;
  for (PlannedRun& planned : plan) {
    if (planned.state.finished() || planned.state.failed()) {
      compare::remove_leftover(compare::RunFiles(*planned.run).claim());
      continue;
    }
    if (planned.seconds = estimate.left(*planned.run, planned.state); planned.seconds > clock.left())
      continue;
    if (!make_run(planned, settings.retry, progress)) break;
    estimate.learn(*planned.run, planned.state);
  }

  if (launch.rank == 0 && launch.size != 1) {
    for (const PlannedRun& planned : plan) wait_for(planned);
  }
  const compare::Results results = compare::gather(study, runs, settings.margin / 100);
  const train::Recipe& base = study.variants.front().recipe;
  const std::string title = fmt::format("{} on {}, {} epochs", base.model, base.data, base.epochs);
  write_results(results, settings.out, title);
  const int signal = train::StopSignal::received();
  // The first rank says it for all.
  if (launch.rank != 0) return signal == 0 ? 0 : 128 + signal;
  if (settings.json) {
    print_json(compare::to_json(results));
  } else {
    print_results(results);
    fmt::print("written to {}: compare.html, compare.md, compare.csv, compare.json\n", settings.out);
  }
  if (signal != 0) {
    progress.say("stopped; the same command goes on");
    return 128 + signal;
  }
  for (const compare::Row& row : results.rows) {
    if (row.failed > 0) return 1;
  }
  return 0;
}

std::vector<std::string_view> shared_keys() {
  std::vector<std::string_view> keys;
  for (const train::RecipeField& field : train::recipe_fields()) {
    if (field.key != "method" && field.key != "nm" && field.key != "seed" && field.key != "out")
      keys.push_back(field.key);
  }
  return keys;
}

}  // namespace

void add_compare(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command(
      "compare", "Train a model under several methods and seeds, and compare accuracy, operations and time");
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    command.add_option(name, values, help).split_at_commas().group("Study");
  };
  command.add_option("--config", settings->config, "study file in TOML; flags override it").group("Study");
  list("--methods", settings->methods,
       "methods, NAME, NAME+wu or NAME@N:M; the others are compared with the first [dense]");
  list("--nm", settings->patterns, "patterns; a method that prunes is taken under each [2:8]");
  list("--seeds", settings->seeds, "how many, or the seeds: 0,1,2 [3]");
  command.add_option("--axis", settings->axes, "KEY=VALUE,VALUE..., any setting of a recipe; may be repeated")
      .repeatable()
      .group("Study");
  list("--devices", settings->devices,
       "instead of training: what these devices compute, by layer and pass, beside the first, under the last "
       "method");
  command.add_option("--out", settings->out, "folder of the runs and the results")
      .show_default()
      .group("Study");
  command
      .add_option("--budget", settings->budget,
                  "time, 2h or 90m: runs that would take longer are left for another time")
      .group("Study");
  command
      .add_option("--margin", settings->margin,
                  "points below the first row's accuracy that times are taken to")
      .show_default()
      .group("Study");
  command.add_flag("--dry-run", settings->dry_run, "print the plan with estimated times, and train nothing")
      .group("Study");
  command.add_flag("--retry", settings->retry, "make runs again that failed").group("Study");
  command.add_flag("--yes", settings->yes, "more than 1,000 runs are meant").group("Study");
  command.add_flag("--quiet", settings->quiet, "no progress").group("Study");
  command.add_flag("--json", settings->json, "compare.json on standard output, all else on standard error")
      .group("Study");
  settings->flags.add_to(command, shared_keys());
  command.footer(
      "What is finished is not trained again: the same command goes on after a stop, and two processes on "
      "one "
      "folder\n"
      "share the work.\n"
      "Example: satsuma compare --model resnet9 --methods dense,bdwp,bdwp+wu --nm 2:8,2:4 --seeds 3 --epochs "
      "10");
  command.run([settings] { return run_compare(*settings); });
}

}  // namespace satsuma::tools
