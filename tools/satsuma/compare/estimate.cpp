#include "tools/satsuma/compare/estimate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/saved_precision.hpp"
#include "tools/satsuma/statistics.hpp"
#include "tools/satsuma/trainee.hpp"

namespace satsuma::tools::compare {

namespace {

double seconds_a_step(const train::Recipe& recipe, const train::ExperimentData& data) {
  constexpr int kSteps = 4;
  const auto model = train::make_model(recipe, data.input, data.classes);
  model->train();
  optim::Optimizer optimizer(optim::find_optimizer(recipe.optimizer), model->parameters(),
                             recipe.optimizer_settings());
  const FixedBatch batch = random_batch(data.input, data.classes, recipe.batch_size);
  std::vector<double> seconds;
  for (int step = 0; step < kSteps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    optimizer.zero_grad();
    const SavedPrecision kept(train::saved_precision_of(*model));
    backward(ops::cross_entropy((*model)(batch.images), batch.labels));
    optimizer.step(1e-4);
    // The first step allocates.
    if (step > 0)
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return median(std::move(seconds));
}

}  // namespace

void Estimate::learn(const train::StudyRun& run, const RunState& state) {
  if (state.epochs() > 0) learned_[run.variant->name] = state.seconds() / static_cast<double>(state.epochs());
}

double Estimate::left(const train::StudyRun& run, const RunState& state) {
  if (state.finished()) return 0;
  double epochs = static_cast<double>(run.recipe.epochs);
  const double seconds = seconds_an_epoch(run);
  if (run.recipe.steps)
    epochs = std::min(epochs, static_cast<double>(*run.recipe.steps) / steps_an_epoch(run));
  return std::max(epochs - static_cast<double>(state.epochs()), 0.) * seconds;
}

train::ExperimentData Estimate::load(const train::StudyRun& run) {
  train::ExperimentData data = train::load_data(run.recipe);
  if (!data.test)
    throw UsageError(
        fmt::format("{} has no test images, and accuracies are compared on those", run.recipe.data));
  steps_[run.variant->name] =
      static_cast<double>(std::max<std::int64_t>(data.train->size() / run.recipe.batch_size, 1));
  return data;
}

double Estimate::steps_an_epoch(const train::StudyRun& run) {
  if (!steps_.contains(run.variant->name)) load(run);
  return steps_[run.variant->name];
}

double Estimate::seconds_an_epoch(const train::StudyRun& run) {
  if (const auto known = learned_.find(run.variant->name); known != learned_.end()) return known->second;
  const train::ExperimentData data = load(run);
  const double step = seconds_a_step(run.recipe, data);
  const double evaluated = static_cast<double>(data.validation ? data.validation->size() : 0) /
                           static_cast<double>(run.recipe.batch_size);
  return learned_[run.variant->name] = step * (steps_an_epoch(run) + evaluated / 3);
}

}  // namespace satsuma::tools::compare
