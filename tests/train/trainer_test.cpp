#include "satsuma/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <map>
#include <sstream>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/core/json.hpp"
#include "train/runs.hpp"

namespace satsuma::train {

using namespace testing;

TEST_CASE("a run learns, and its directory and log are complete") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.epochs = 8;
  recipe.augment = "none";
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh);
  CHECK(outcome.signal == 0);
  CHECK(outcome.state.step == 40);
  CHECK(outcome.state.epoch == 8);
  REQUIRE(outcome.test.has_value());
  CHECK(outcome.test->count == 21);
  CHECK(outcome.test->top1 > 0.6);
  REQUIRE(outcome.validation.has_value());
  CHECK(outcome.state.best_accuracy >= outcome.validation->top1);
  CHECK(outcome.tested == directory / "run/best.safetensors");
  CHECK(outcome.train_loss.value() < 1.1);
  CHECK(outcome.state.total.images == 400);
  CHECK(outcome.state.total.work.macs() < outcome.state.total.work.dense_macs);

  const std::vector<Json> log = log_of(directory / "run");
  CHECK(log.size() == 10 + 8 + 1);
  std::int64_t macs = 0;
  for (const Json& line : log) macs += line["kind"] == "epoch" ? line["macs"].get<std::int64_t>() : 0;
  CHECK(macs == outcome.state.total.work.macs());
  CHECK(log.back()["test_accuracy"] == outcome.test->top1);

  const Checkpoint last = load_checkpoint(directory / "run/last.safetensors");
  CHECK(last.model.count("conv2.weight") == 1);
  CHECK(last.model.count("bn1.running_var") == 1);
  CHECK(last.optimizer.size() == 7);
  CHECK(load_checkpoint(directory / "run/best.safetensors").optimizer.empty());
}

TEST_CASE("a run that is stopped anywhere and resumed ends with the same bits and the same log") {
  const TemporaryDirectory directory;
  const Recipe recipe = tiny_recipe();
  run_once(directory / "whole", recipe, RunMode::fresh);
  // Calls of the stop request fall before, between and after steps and inside evaluations.
  const int stopped = stop_at_each_call(directory.path(), recipe, 40,
                                        [&](const std::filesystem::path& run, const Outcome& resumed) {
                                          CHECK(resumed.state.step == 15);
                                          check_same_run(run, directory / "whole");
                                        });
  CHECK(stopped > 20);
}

TEST_CASE("a run of any optimiser goes on with the same bits in the middle of an epoch") {
  const TemporaryDirectory directory;
  for (const optim::Kind* const kind : optim::optimizers()) {
    const std::string name(kind->name);
    CAPTURE(name);
    Recipe recipe = tiny_recipe();
    recipe.optimizer = name;
    recipe.lr = 0.01;
    recipe.weight_decay = 0.1;
    recipe.sr_ste = 0.05;
    run_once(directory / (name + "-whole"), recipe, RunMode::fresh);
    const std::filesystem::path run = directory / name;
    const Outcome outcome = run_once(run, recipe, RunMode::fresh, stop_after(15));
    CHECK(outcome.state.batch % 5 > 0);
    CHECK(load_checkpoint(run / "last.safetensors").info->optimizer.name == name);
    CHECK(load_checkpoint(run / "last.safetensors").info->optimizer.steps == outcome.state.step);
    run_once(run, recipe, RunMode::resume);
    check_same_run(run, directory / (name + "-whole"));
    // The file is another optimiser's then.
    recipe.optimizer = name == "adam" ? "adamw" : "adam";
    CHECK_THROWS_AS(run_once(run, recipe, RunMode::resume), FormatError);
  }
}

TEST_CASE(
    "a run with frozen layers and rates by layer goes on with the same bits, without state of the frozen") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.optimizer = "adamw";
  recipe.lr = 0.01;
  recipe.freeze = "conv1|bn1";
  recipe.lr_for = {"fc=10", "conv2.bias=0.5"};
  run_once(directory / "whole", recipe, RunMode::fresh);
  run_once(directory / "run", recipe, RunMode::fresh, stop_after(17));
  run_once(directory / "run", recipe, RunMode::resume);
  check_same_run(directory / "run", directory / "whole");
  const auto before = tensors_of(directory / "run/init.safetensors"),
             after = tensors_of(directory / "run/last.safetensors");
  for (const auto& entry : before) {
    const auto& [name, values] = entry;
    CAPTURE(entry.first);
    const bool frozen = name.starts_with("conv1.") || name.starts_with("bn1.");
    CHECK((after.at(name) == values) == frozen);
    const bool trained = !frozen && after.count("optimizer.exp_avg." + name) == 1;
    CHECK(trained != frozen);
  }
  // Without the factors it is another run.
  recipe.lr_for.clear();
  run_once(directory / "plain", recipe, RunMode::fresh);
  CHECK(tensors_of(directory / "plain/last.safetensors") != after);
}

TEST_CASE("a run that is killed continues from its last checkpoint with the same bits and the same log") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.save_every = 2;
  run_once(directory / "whole", recipe, RunMode::fresh);
  struct Killed {};
  for (int calls = 2; calls < 30; calls += 3) {
    CAPTURE(calls);
    const std::filesystem::path run = directory / ("run" + std::to_string(calls));
    const StopRequest die = [calls, asked = std::make_shared<int>(0)]() -> int {
      if (++*asked >= calls) throw Killed{};
      return 0;
    };
    CHECK_THROWS_AS(run_once(run, recipe, RunMode::fresh, die), Killed);
    run_once(run, recipe, RunMode::resume);
    check_same_run(run, directory / "whole");
  }
}

TEST_CASE(
    "fp16 products: steps whose gradients overflow are skipped, and a resumed run ends with the same bits") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.precision = "fp16";
  recipe.lr = 1e-6;
  recipe.log_every = 1;
  // Weights of the classifier that carry its gradients beyond FP16 at the first scale.
  const auto run = [&](const std::filesystem::path& out, RunMode mode, std::optional<std::int64_t> steps) {
    set_threads(1);
    Progress progress(stderr, Progress::Style::quiet);
    RunDirectory run_directory(out, mode);
    Recipe part = recipe;
    part.steps = steps;
    const std::shared_ptr<nn::Module> model = tiny_model(part);
    for (const nn::NamedTensor& tensor : model->state()) {
      if (tensor.name != "fc.weight") continue;
      float* const values = Tensor(tensor.value).data<float>();
      for (std::int64_t i = 0; i < tensor.value.numel(); ++i) values[i] *= 4000;
    }
    configure_layers(*model, part.layer_options());
    Trainer trainer(part, model, tiny_data(), run_directory, progress);
    if (mode == RunMode::resume) trainer.resume(load_checkpoint(run_directory.last()));
    run_directory.open(to_toml(part));
    return trainer.run();
  };
  const Outcome whole = run(directory / "whole", RunMode::fresh, {});
  REQUIRE(whole.state.loss_scale.has_value());
  const std::int64_t skipped = whole.state.loss_scale->skipped;
  CHECK(skipped > 1);
  CHECK(skipped < 15);
  CHECK(whole.state.loss_scale->value == std::ldexp(65536.0, -static_cast<int>(skipped)));
  const auto log = log_of(directory / "whole");
  CHECK(log.front()["loss_scale"] == 32768.0);
  CHECK(log.front()["skipped_steps"] == 1);

  // The first step was skipped: nothing but the running statistics has changed.
  run(directory / "parts", RunMode::fresh, 1);
  const auto first = tensors_of(directory / "parts/last.safetensors");
  for (const auto& entry : tensors_of(directory / "parts/init.safetensors")) {
    const std::string& name = entry.first;
    if (name.find("running") == std::string::npos && name.find("tracked") == std::string::npos)
      CHECK_MESSAGE(first.at(name) == entry.second, name);
  }
  run(directory / "parts", RunMode::resume, {});
  CHECK(tensors_of(directory / "parts/last.safetensors") == tensors_of(directory / "whole/last.safetensors"));
  CHECK(load_checkpoint(directory / "parts/last.safetensors").info->state.loss_scale ==
        whole.state.loss_scale);
}

TEST_CASE("a run on the emulated accelerator resumes with the same bits and the same account of the card") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.device = "sat";
  const Outcome whole = run_once(directory / "whole", recipe, RunMode::fresh);
  CHECK(whole.state.loss_scale == LossScale{65536, 15, 0});
  CHECK(whole.state.total.work.device_nanoseconds > 0);
  CHECK(log_of(directory / "whole").rbegin()[1]["joules"] > 0.0);
  for (const int calls : {4, 13, 20}) {
    const std::filesystem::path run = directory / ("run" + std::to_string(calls));
    CHECK(run_once(run, recipe, RunMode::fresh, stop_after(calls)).signal == SIGTERM);
    const Outcome resumed = run_once(run, recipe, RunMode::resume);
    check_same_run(run, directory / "whole");
    CHECK(resumed.state.total.work.device_nanoseconds == whole.state.total.work.device_nanoseconds);
    CHECK(resumed.state.total.work.nanojoules == whole.state.total.work.nanojoules);
  }
}

TEST_CASE("--steps stops early on the same schedule") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  run_once(directory / "whole", recipe, RunMode::fresh);
  for (const std::int64_t steps : {1, 7, 10, 14}) {
    recipe.steps = steps;
    const std::filesystem::path run = directory / ("run" + std::to_string(steps));
    const Outcome outcome = run_once(run, recipe, RunMode::fresh);
    CHECK(outcome.state.step == steps);
    CHECK(outcome.signal == 0);
    CHECK(outcome.test.has_value());
    Recipe rest = recipe;
    rest.steps.reset();
    run_once(run, rest, RunMode::resume);
    CHECK(tensors_of(run / "last.safetensors") == tensors_of(directory / "whole/last.safetensors"));
  }
}

TEST_CASE("a finished run that is resumed says what it reached and changes nothing") {
  const TemporaryDirectory directory;
  const Outcome first = run_once(directory / "run", tiny_recipe(), RunMode::fresh);
  const std::string last = read_file(directory / "run/last.safetensors");
  const std::string log = read_file(directory / "run/log.jsonl");
  const Outcome again = run_once(directory / "run", tiny_recipe(), RunMode::resume);
  CHECK(again.test.value().top1 == first.test.value().top1);
  CHECK(again.train_loss == first.train_loss);
  CHECK(read_file(directory / "run/last.safetensors") == last);
  CHECK(read_file(directory / "run/log.jsonl") == log);
}

TEST_CASE("no epochs leave the initial weights") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.epochs = 0;
  const Outcome outcome = run_once(directory / "run", recipe, RunMode::fresh);
  CHECK(outcome.state.step == 0);
  CHECK_FALSE(outcome.test.has_value());
  CHECK_FALSE(outcome.train_loss.has_value());
  CHECK(load_checkpoint(directory / "run/init.safetensors").model.size() == 10);
}

TEST_CASE("a loss that is not finite stops the run, names the step and keeps the last good weights") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.lr = 1e30;
  recipe.warmup = "0.5";
  recipe.save_every = 1;
  const std::filesystem::path last = directory / "run/last.safetensors";
  const std::string message =
      message_of<NumericError>([&] { run_once(directory / "run", recipe, RunMode::fresh); });
  CHECK(contains(message, "step"));
  CHECK(contains(message, last.string()));
  CHECK(contains(message, "--lr"));
  for (const auto& [name, values] : tensors_of(last)) {
    if (name.starts_with("optimizer.")) continue;
    CHECK(std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }));
  }
}

TEST_CASE("weights that are not finite are not saved over good ones") {
  const TemporaryDirectory directory;
  const Recipe recipe = tiny_recipe();
  Progress progress(stderr, Progress::Style::quiet);
  RunDirectory run(directory / "run", RunMode::fresh);
  run.open("");
  write_file(run.last(), "old");
  const std::shared_ptr<nn::Module> model = tiny_model(recipe);
  model->state()[0].value.fill(std::numeric_limits<double>::infinity());
  Trainer trainer(recipe, model, tiny_data(), run, progress);
  CHECK(contains(message_of<NumericError>([&] { trainer.run(); }),
                 "'conv1.weight' is not finite after step 0"));
  CHECK(read_file(run.last()) == "old");
}

TEST_CASE("a checkpoint of other data or another batch size is refused") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.steps = 7;
  run_once(directory / "run", recipe, RunMode::fresh);
  recipe.batch_size = 25;
  CHECK(contains(message_of<FormatError>([&] { run_once(directory / "run", recipe, RunMode::resume); }),
                 "last.safetensors: step 7 is not batch 2 of epoch 2 with 2 batches an epoch"));
}

TEST_CASE("a batch size that does not fit the data is refused before anything is written") {
  const TemporaryDirectory directory;
  Recipe recipe = tiny_recipe();
  recipe.batch_size = 51;
  CHECK_THROWS_AS(run_once(directory / "run", recipe, RunMode::fresh), UsageError);
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
}

TEST_CASE("evaluation leaves the model in its mode and does not change it") {
  const std::shared_ptr<nn::Module> model = tiny_model(tiny_recipe());
  const ExperimentData data = tiny_data();
  data::LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = false;
  options.drop_last = false;
  data::Loader loader(data.test, data.normalisation, options);
  std::vector<std::vector<double>> before;
  for (const nn::NamedTensor& tensor : model->state()) before.push_back(tensor.value.to_vector<double>());
  const Evaluation one = evaluate(*model, loader).value();
  const Evaluation two = evaluate(*model, loader).value();
  CHECK(model->training());
  CHECK(one.count == 21);
  CHECK(one.loss == two.loss);
  std::size_t i = 0;
  for (const nn::NamedTensor& tensor : model->state()) CHECK(tensor.value.to_vector<double>() == before[i++]);
  CHECK_FALSE(evaluate(*model, loader, stop_after(2)).has_value());
}

}  // namespace satsuma::train
