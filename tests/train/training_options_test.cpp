#include <algorithm>
#include <cmath>
#include <thread>

#include "satsuma/core/error.hpp"
#include "satsuma/train/auto_batch.hpp"
#include "satsuma/train/lr_find.hpp"
#include "src/core/json.hpp"
#include "train/runs.hpp"

// What --accumulate, --clip, --ema, --class-weights, --patience, --max-time, --keep-best, --auto-batch and
// --lr-find do to a run, and that none of it is lost when the run is stopped.

namespace satsuma::train {

using namespace testing;

namespace {

/// Epochs of three steps: batches in groups of two, the last alone.
Recipe full_recipe() {
  Recipe recipe = tiny_recipe();
  recipe.accumulate = 2;
  recipe.clip = "norm:0.5";
  recipe.ema = 0.7;
  recipe.optimizer = "adamw";
  recipe.lr = 0.01;
  recipe.class_weights = "balanced";
  recipe.patience = 50;
  recipe.keep_best = 2;
  recipe.wu = "2:8";
  recipe.log_every = 2;
  return recipe;
}

std::vector<double> of_epochs(const std::filesystem::path& run, const char* key) {
  std::vector<double> values;
  for (const Json& line : log_of(run)) {
    if (line["kind"] == "epoch") values.push_back(line[key].get<double>());
  }
  return values;
}

void check_same_options(const std::filesystem::path& run, const std::filesystem::path& expected) {
  check_same_run(run, expected);
  for (const char* const name : {"best-1.safetensors", "best-2.safetensors"})
    CHECK(tensors_of(run / name) == tensors_of(expected / name));
}

}  // namespace

TEST_CASE(
    "a run with everything on that is stopped anywhere, in a group of batches too, ends with the same bits") {
  const TemporaryDirectory directory;
  const Recipe recipe = full_recipe();
  const Outcome whole = run_once(directory / "whole", recipe, RunMode::fresh);
  CHECK(whole.state.step == 9);
  CHECK(whole.state.total.images == 150);
  CHECK(load_checkpoint(directory / "whole/last.safetensors").ema.size() == 10);
  const int stopped =
      stop_at_each_call(directory.path(), recipe, 26, [&](const std::filesystem::path& run, const Outcome&) {
        check_same_options(run, directory / "whole");
      });
  CHECK(stopped > 15);
}

TEST_CASE("a run with everything on that is killed goes on from its last checkpoint with the same bits") {
  const TemporaryDirectory directory;
  Recipe recipe = full_recipe();
  recipe.save_every = 2;
  run_once(directory / "whole", recipe, RunMode::fresh);
  struct Killed {};
  for (int calls = 2; calls < 24; calls += 3) {
    CAPTURE(calls);
    const std::filesystem::path run = directory / ("run" + std::to_string(calls));
    const StopRequest die = [calls, asked = std::make_shared<int>(0)]() -> int {
      if (++*asked >= calls) throw Killed{};
      return 0;
    };
    CHECK_THROWS_AS(run_once(run, recipe, RunMode::fresh, die), Killed);
    run_once(run, recipe, RunMode::resume);
    check_same_options(run, directory / "whole");
  }
}

TEST_CASE("averages are what is evaluated and kept as best; the run itself does not change") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  run_once(directory / "plain", recipe, RunMode::fresh);
  recipe.ema = 0.5;
  const Outcome outcome = run_once(directory / "ema", recipe, RunMode::fresh);
  const auto plain = tensors_of(directory / "plain/last.safetensors");
  const auto last = tensors_of(directory / "ema/last.safetensors");
  for (const auto& entry : plain) CHECK_MESSAGE(last.at(entry.first) == entry.second, entry.first);
  CHECK(of_epochs(directory / "plain", "loss") == of_epochs(directory / "ema", "loss"));
  CHECK(of_epochs(directory / "plain", "val_loss") != of_epochs(directory / "ema", "val_loss"));
  if (outcome.state.best_epoch == 3) {
    const auto best = tensors_of(directory / "ema/best.safetensors");
    for (const auto& entry : best) CHECK_MESSAGE(last.at("ema." + entry.first) == entry.second, entry.first);
  }
}

TEST_CASE("patience ends a run, which stays ended") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.epochs = 20;
  recipe.lr = 1e-12;  // nothing gets better
  recipe.patience = 3;
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh);
  CHECK(outcome.out_of_patience);
  CHECK(outcome.state.epochs_since_best == 3);
  CHECK(outcome.state.epoch == outcome.state.best_epoch + 3);
  CHECK(outcome.state.epoch < 20);
  CHECK(outcome.test.has_value());
  const std::string last = read_file(directory / "run/last.safetensors");
  CHECK(run_once(directory / "run", recipe, RunMode::resume).state.step == outcome.state.step);
  CHECK(read_file(directory / "run/last.safetensors") == last);
  recipe.patience.reset();
  CHECK(run_once(directory / "run", recipe, RunMode::resume).state.epoch == 20);
}

TEST_CASE("without a validation set the last weights are the best, and what needs one is refused") {
  const TemporaryDirectory directory;
  ExperimentData data = tiny_data();
  data.validation = nullptr;
  Recipe recipe = tiny_recipe();
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh, {}, data);
  CHECK_FALSE(outcome.validation.has_value());
  CHECK_FALSE(outcome.state.best_accuracy.has_value());
  CHECK(outcome.test.has_value());
  const auto last = tensors_of(directory / "run/last.safetensors");
  for (const auto& entry : tensors_of(directory / "run/best.safetensors"))
    CHECK_MESSAGE(last.at(entry.first) == entry.second, entry.first);
  recipe.patience = 2;
  CHECK_THROWS_WITH_AS(run_once(directory / "no", recipe, RunMode::fresh, {}, data),
                       doctest::Contains("--patience needs a validation set"), UsageError);
}

TEST_CASE("a run without a test set evaluates the validation set for evaluation.json") {
  const TemporaryDirectory directory;
  ExperimentData data = tiny_data();
  data.test = nullptr;
  const Outcome outcome = run_once(directory / "run", tiny_recipe(), RunMode::fresh, {}, data);
  CHECK_FALSE(outcome.test.has_value());
  const auto file = parse_json(read_file(directory / "run/evaluation.json"));
  CHECK(file["set"] == "validation");
  CHECK(file["top1"] == outcome.state.best_accuracy.value());
}

TEST_CASE("the test set is evaluated with the best weights, once") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.epochs = 6;
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh);
  const auto log = log_of(directory / "run");
  CHECK(std::count_if(log.begin(), log.end(),
                      [](const auto& line) { return line.contains("test_accuracy"); }) == 1);
  CHECK(log.back()["kind"] == "test");
  CHECK(log.back()["epoch"] == outcome.state.best_epoch);
  const auto model = tiny_model(recipe);
  restore(load_checkpoint(directory / "run/best.safetensors"), *model);
  data::LoaderOptions options;
  options.shuffle = options.drop_last = false;
  data::Loader loader(tiny_data().test, tiny_data().normalisation, options);
  CHECK(evaluate(*model, loader)->top1 == outcome.test->top1);
}

TEST_CASE("the best epochs are kept by rank, the others removed") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.epochs = 8;
  recipe.keep_best = 3;
  run_once(directory / "run", recipe, RunMode::fresh);
  std::vector<std::pair<double, double>> epochs;  // minus accuracy, so that the best come first; step
  const auto accuracies = of_epochs(directory / "run", "val_accuracy"),
             steps = of_epochs(directory / "run", "step");
  for (std::size_t i = 0; i < accuracies.size(); ++i) epochs.emplace_back(-accuracies[i], steps[i]);
  std::sort(epochs.begin(), epochs.end());
  for (std::size_t rank = 1; rank <= 3; ++rank) {
    const auto info =
        load_checkpoint(directory / ("run/best-" + std::to_string(rank) + ".safetensors")).info.value();
    CHECK(info.validation_accuracy.value() == -epochs[rank - 1].first);
    CHECK(static_cast<double>(info.state.step) == epochs[rank - 1].second);
  }
  CHECK_FALSE(std::filesystem::exists(directory / "run/best-4.safetensors"));
  CHECK(tensors_of(directory / "run/best-1.safetensors") == tensors_of(directory / "run/best.safetensors"));
}

TEST_CASE("a run that is out of time stops resumable, and the rest ends with the same bits") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  run_once(directory / "whole", recipe, RunMode::fresh);
  recipe.max_time = "0.3s";
  // Each question takes a while.
  const StopRequest slow = [] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    return 0;
  };
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh, slow);
  CHECK(outcome.out_of_time);
  CHECK(outcome.signal == 0);
  CHECK(outcome.state.step < 15);
  CHECK_FALSE(outcome.test.has_value());
  recipe.max_time = "1h";
  CHECK_FALSE(run_once(directory / "run", recipe, RunMode::resume).out_of_time);
  recipe.max_time.clear();
  CHECK(tensors_of(directory / "run/last.safetensors") == tensors_of(directory / "whole/last.safetensors"));
}

TEST_CASE("how masks move is in the log of each epoch, by layer") {
  const TemporaryDirectory directory;
  run_once(directory / "run", tiny_recipe(), RunMode::fresh);
  int epochs = 0;
  for (const Json& line : log_of(directory / "run")) {
    if (line["kind"] != "epoch") continue;
    ++epochs;
    CHECK(line["mask_changes"].size() == 2);  // conv2 and fc; conv1 is dense
    const double share = line["mask_changes"]["conv2"];
    CHECK(share >= 0);
    CHECK(share < 1);
  }
  CHECK(epochs == 3);
  Recipe held = tiny_recipe();
  held.refresh_masks = 1000;
  run_once(directory / "held", held, RunMode::fresh);
  for (const Json& line : log_of(directory / "held")) {
    if (line["kind"] == "epoch") CHECK(line["mask_changes"]["conv2"] == 0.0);
  }
}

TEST_CASE("another stage of a schedule of patterns begins anew with what is best") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.nm_schedule = "dense@0,2:4@0.4";
  run_once(directory / "run", recipe, RunMode::fresh);
  CHECK(load_checkpoint(directory / "run/best.safetensors").info->pattern == "2:4");
}

TEST_CASE("the learning rate rises in a search, and the model has its weights back") {
  Progress progress(stderr, Progress::Style::quiet);
  Recipe recipe = tiny_recipe();
  const auto model = tiny_model(recipe);
  std::vector<std::vector<double>> before;
  for (const nn::NamedTensor& tensor : model->state()) before.push_back(tensor.value.to_vector<double>());
  const LrCurve curve =
      find_lr(recipe, *model, tiny_data(), progress, {}, {.from = 1e-4, .to = 10, .steps = 40});
  REQUIRE(curve.points.size() > 10);
  CHECK(curve.points.front().lr == doctest::Approx(1e-4));
  for (std::size_t i = 1; i < curve.points.size(); ++i)
    CHECK(curve.points[i].lr / curve.points[i - 1].lr == doctest::Approx(std::pow(1e5, 1.0 / 39)));
  CHECK(curve.steepest > 0);
  CHECK(curve.steepest < curve.least);
  std::size_t i = 0;
  for (const nn::NamedTensor& tensor : model->state()) CHECK(tensor.value.to_vector<double>() == before[i++]);
}

TEST_CASE("a larger limit of memory gives a larger batch, and none too small is taken") {
  Progress progress(stderr, Progress::Style::quiet);
  Recipe recipe;
  recipe.model = "resnet9";
  recipe.width = 0.125;
  ExperimentData data = tiny_data();
  data.input = {3, 16, 16};
  data.train = tiny_images(500, 1);
  const std::int64_t small = find_batch_size(recipe, data, std::size_t{24} << 20, progress);
  const std::int64_t large = find_batch_size(recipe, data, std::size_t{48} << 20, progress);
  CHECK(small >= 16);
  CHECK(small % 16 == 0);
  CHECK(large > small);
  CHECK(large < 500);
  CHECK(find_batch_size(recipe, data, std::size_t{8} << 30, progress) == 496);
  CHECK_THROWS_WITH_AS(find_batch_size(recipe, data, 1 << 20, progress), doctest::Contains("does not fit"),
                       UsageError);
}

}  // namespace satsuma::train
