#include "satsuma/train/lr_find.hpp"

#include <algorithm>
#include <cmath>

#include "satsuma/core/error.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/train/loading.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/restored.hpp"
#include "src/train/step.hpp"

namespace satsuma::train {

namespace {

constexpr double kMemory = 0.9;
constexpr double kDiverged = 4;
/// Steps whose mean says little.
constexpr std::size_t kFirst = 5;

/// Batches without end, epoch after epoch.
class Batches {
 public:
  explicit Batches(data::Loader& loader) : loader_(loader) { loader_.start(0); }
  data::Batch next() {
    data::Batch batch;
    if (loader_.next(batch)) return batch;
    loader_.start(++epoch_);
    if (!loader_.next(batch)) throw Error("the data loader delivers no batch");
    return batch;
  }

 private:
  data::Loader& loader_;
  std::int64_t epoch_ = 0;
};

void find_marks(LrCurve& curve) {
  const auto& points = curve.points;
  if (points.size() <= kFirst) return;
  const auto least = std::min_element(points.begin() + kFirst, points.end(),
                                      [](const auto& a, const auto& b) { return a.smoothed < b.smoothed; });
  curve.least = least->lr;
  double steepest = 0;
  for (auto at = points.begin() + kFirst; at < least; ++at) {
    const double slope = (at + 1)->smoothed - at->smoothed;  // a step is a step of the logarithm
    if (slope >= steepest) continue;
    steepest = slope;
    curve.steepest = at->lr;
  }
}

}  // namespace

LrCurve find_lr(const Recipe& recipe, nn::Module& model, const ExperimentData& data, Progress& progress,
                const StopRequest& stop, const LrFindOptions& options) {
  const Restored restored(model);
  data::Loader loader(data.train, data.normalisation, training_options(recipe, data));
  Batches batches(loader);
  optim::Optimizer optimizer(optim::find_optimizer(recipe.optimizer), model.parameters(),
                             recipe.optimizer_settings());
  optimizer.set_lr_factors(recipe.lr_factors(model.parameters()));
  Step step(recipe, model, optimizer, class_weights_of(recipe.class_weights, *data.train, data.classes));
  std::optional<LossScale> scale;
  if (multiplies_fp16(model)) scale = LossScale();
  model.train();

  LrCurve curve;
  double mean = 0, least = 0;
  std::int64_t draw = 0;
  for (std::int64_t i = 0; i < options.steps && !(stop && stop() != 0); ++i) {
    const double done =
        static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(options.steps - 1, 1));
    const double lr = options.from * std::pow(options.to / options.from, done);
    step.begin(i, recipe.accumulate);
    Tally tally;
    for (std::int64_t part = 0; part < recipe.accumulate; ++part) {
      tally += step.forward(batches.next(), draw++);
      if (!std::isfinite(tally.loss_sum)) break;
      step.backward(scale);
    }
    const double loss = tally.loss();
    if (!std::isfinite(loss)) break;
    mean = kMemory * mean + (1 - kMemory) * loss;
    const double smoothed = mean / (1 - std::pow(kMemory, static_cast<double>(i + 1)));
    curve.points.push_back({lr, loss, smoothed});
    least = i == 0 ? smoothed : std::min(least, smoothed);
    progress.update("trying learning rates", "steps", i + 1, options.steps);
    if (smoothed > kDiverged * least) break;
    step.update(lr, scale);
  }
  find_marks(curve);
  return curve;
}

}  // namespace satsuma::train
