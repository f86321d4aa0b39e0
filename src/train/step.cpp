#include "src/train/step.hpp"

#include <utility>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/data/share.hpp"
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

std::unique_ptr<distributed::GradientExchange> exchange_of(const Recipe& recipe, const nn::Module& model,
                                                           distributed::Communicator& ranks) {
  std::vector<Tensor> parameters, means;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (parameter.value.requires_grad()) parameters.push_back(parameter.value);
  }
  // Running statistics are the same on all ranks where those of batches are.
  for (const nn::NamedTensor& buffer : model.buffers()) {
    if (!recipe.sync_bn && is_floating(buffer.value.dtype())) means.push_back(buffer.value);
  }
  return std::make_unique<distributed::GradientExchange>(
      ranks, std::move(parameters), std::move(means), data::shares_of(recipe.batch_size, ranks.size()),
      distributed::GradientExchange::Options{.wire = distributed::wire_of(recipe.exchange)});
}

/// What ranks tell each other of a step before its update.
struct Part {
  double loss_sum = 0;
  double weights = 0;
  std::int64_t correct = 0;
  std::int64_t images = 0;
};

}  // namespace

Step::Step(const Recipe& recipe, nn::Module& model, optim::Optimizer& optimizer, Tensor class_weights,
           distributed::Communicator& ranks)
    : model_(model),
      optimizer_(optimizer),
      layers_(model.contractions()),
      parameters_(model.parameters()),
      clip_(optim::Clip::parse(recipe.clip)),
      label_smoothing_(recipe.label_smoothing),
      class_weights_(std::move(class_weights)),
      batch_size_(static_cast<double>(recipe.batch_size)),
      ranks_(ranks) {
  clipped_ = clipped_parameters(model, clip_);
  if (ranks.size() == 1) return;
  share_ = {data::share_of(recipe.batch_size, ranks.rank(), ranks.size()).first, recipe.batch_size};
  if (recipe.sync_bn) {
    share_.gather = [&ranks](std::span<const double> own) { return ranks.gather(own.data(), own.size()); };
  }
  exchange_ = exchange_of(recipe, model, ranks);
}

void Step::begin(std::int64_t step, std::int64_t group) {
  for (const auto& layer : layers_) layer->begin_step(step);
  group_ = group;
  parts_ = 0;
  weights_ = 0;
  optimizer_.zero_grad();
}

Tally Step::forward(const data::Batch& batch, std::int64_t draw) {
  for (const auto& layer : layers_) layer->begin_part(draw);
  const SavedPrecision precision(saved_precision_of(model_));
  const SharedBatch shared(share_);
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
  const bool all = group_ == 1 && !exchange_;
  const double share = all ? 1 : weight_ / (static_cast<double>(group_) * batch_size_);
  const double factor = share * (scale ? scale->value : 1);
  OnGradient on_gradient;
  if (++parts_ == group_ && exchange_) {
    exchange_->begin();
    on_gradient = [this](const AutogradMeta& leaf) { exchange_->on_gradient(leaf); };
  }
  const SharedBatch shared(share_);
  satsuma::backward(loss_, Tensor::full(loss_.shape(), factor, loss_.dtype()), on_gradient);
  loss_ = {};
}

Tally Step::exchange(const Tally& own) {
  if (!exchange_) return own;
  exchange_->finish();
  Tally all = own;
  all.loss_sum = 0;
  all.correct = all.images = 0;
  const std::vector<Part> parts = ranks_.gather(Part{own.loss_sum, weights_, own.correct, own.images});
  weights_ = 0;
  for (const Part& part : parts) {
    all.loss_sum += part.loss_sum;
    all.correct += part.correct;
    all.images += part.images;
    weights_ += part.weights;
  }
  return all;
}

bool Step::update(double lr, std::optional<LossScale>& scale) {
  if (scale) {
    const bool finite = unscale_gradients(parameters_, scale->value);
    scale->update(finite);
    if (!finite) return false;
  }
  const double taken_for = static_cast<double>(group_) * batch_size_;
  if ((group_ > 1 || exchange_) && weights_ != taken_for)
    optim::scale_gradients(parameters_, taken_for / weights_);
  gradient_norm_ = optim::clip_gradients(clipped_, clip_);
  optimizer_.step(lr);
  return true;
}

}  // namespace satsuma::train
