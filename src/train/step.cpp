#include "src/train/step.hpp"

#include <utility>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/saved_precision.hpp"

namespace satsuma::train {

namespace {

/// Adaptive clipping leaves the classifier out, as its paper does.
std::vector<nn::Parameter> clipped_parameters(const nn::Module& model, const optim::Clip& clip) {
  std::vector<nn::Parameter> parameters = model.parameters();
  const auto layers = model.contractions();
  if (clip.kind != optim::Clip::Kind::adaptive || layers.size() < 2) return parameters;
  const std::string classifier = layers.back()->name() + ".";
  std::erase_if(parameters,
                [&](const nn::Parameter& parameter) { return parameter.name.starts_with(classifier); });
  return parameters;
}

}  // namespace

Step::Step(const Recipe& recipe, nn::Module& model, optim::Optimizer& optimizer, Tensor class_weights)
    : model_(model),
      optimizer_(optimizer),
      layers_(model.contractions()),
      parameters_(model.parameters()),
      clip_(optim::Clip::parse(recipe.clip)),
      label_smoothing_(recipe.label_smoothing),
      class_weights_(std::move(class_weights)),
      batch_size_(static_cast<double>(recipe.batch_size)) {
  clipped_ = clipped_parameters(model, clip_);
}

void Step::begin(std::int64_t step, std::int64_t group) {
  for (const auto& layer : layers_) layer->begin_step(step);
  group_ = group;
  weights_ = 0;
  optimizer_.zero_grad();
}

Tally Step::forward(const data::Batch& batch, std::int64_t draw) {
  for (const auto& layer : layers_) layer->begin_part(draw);
  const SavedPrecision precision(saved_precision_of(model_));
  const Tensor logits = model_(batch.images);
  const Tensor& targets = batch.targets.defined() ? batch.targets : batch.labels;
  loss_ = ops::cross_entropy(logits, targets, label_smoothing_, class_weights_);
  weight_ = ops::cross_entropy_divisor(targets, class_weights_);
  weights_ += weight_;
  Tally tally;
  tally.images = batch.labels.numel();
  tally.loss_sum = loss_.item() * static_cast<double>(tally.images);
  tally.correct = ops::count_correct(logits.detach(), batch.labels);
  return tally;
}

void Step::backward(const std::optional<LossScale>& scale) {
  // What the group weighs in all is known at its end; here it is taken for so many full batches.
  const double share = group_ == 1 ? 1 : weight_ / (static_cast<double>(group_) * batch_size_);
  const double factor = share * (scale ? scale->value : 1);
  satsuma::backward(loss_, Tensor::full(loss_.shape(), factor, loss_.dtype()));
  loss_ = {};
}

bool Step::update(double lr, std::optional<LossScale>& scale) {
  if (scale) {
    const bool finite = unscale_gradients(parameters_, scale->value);
    scale->update(finite);
    if (!finite) return false;
  }
  const double taken_for = static_cast<double>(group_) * batch_size_;
  if (group_ > 1 && weights_ != taken_for) optim::scale_gradients(parameters_, taken_for / weights_);
  gradient_norm_ = optim::clip_gradients(clipped_, clip_);
  optimizer_.step(lr);
  return true;
}

}  // namespace satsuma::train
