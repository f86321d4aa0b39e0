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
  double losses = 0;
  double weights = 0;
  std::int64_t correct = 0;
  std::int64_t images = 0;
};

/// Targets that cross_entropy() divides by their number, whatever they weigh.
Tensor one_hot(const Tensor& labels, std::int64_t classes) {
  std::vector<float> shares(static_cast<std::size_t>(labels.numel() * classes));
  std::size_t row = 0;
  for (const std::int64_t label : labels.to_vector<std::int64_t>()) {
    shares.at(row + static_cast<std::size_t>(label)) = 1;
    row += static_cast<std::size_t>(classes);
  }
  return Tensor::from(shares, {labels.numel(), classes});
}

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
  weights_ = losses_ = 0;
  optimizer_.zero_grad();
}

Tally Step::forward(const data::Batch& batch, std::int64_t draw) {
  for (const auto& layer : layers_) layer->begin_part(draw);
  const SavedPrecision precision(saved_precision_of(model_));
  const SharedBatch shared(share_);
  const Tensor logits = model_(batch.images);
  Tensor targets = batch.targets.defined() ? batch.targets : batch.labels;
  divisor_ = ops::cross_entropy_divisor(targets, class_weights_);
  weights_ += divisor_;
  // A rank's share may be of classes of weight 0 alone, where the whole batch is not. By label smoothing it
  // has a loss all the same.
  if (exchange_ && divisor_ == 0) {
    targets = one_hot(batch.labels, logits.dim(1));
    divisor_ = ops::cross_entropy_divisor(targets, class_weights_);
  }
  loss_ = ops::cross_entropy(logits, targets, label_smoothing_, class_weights_);
  const double loss = loss_.item();
  losses_ += loss * divisor_;
  Tally tally;
  tally.images = batch.labels.numel();
  tally.loss_sum = loss * static_cast<double>(tally.images);
  tally.correct = ops::count_correct(logits.detach(), batch.labels);
  return tally;
}

void Step::backward(const std::optional<LossScale>& scale) {
  // What the group weighs in all is known at its end; here it is taken for so many full batches.
  const bool all = group_ == 1 && !exchange_;
  const double share = all ? 1 : divisor_ / (static_cast<double>(group_) * batch_size_);
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
  all.correct = all.images = 0;
  const std::vector<Part> parts = ranks_.gather(Part{losses_, weights_, own.correct, own.images});
  weights_ = losses_ = 0;
  for (const Part& part : parts) {
    losses_ += part.losses;
    weights_ += part.weights;
    all.correct += part.correct;
    all.images += part.images;
  }
  if (weights_ == 0)
    throw UsageError("the classes of all images of a batch have weight 0, so that its loss has no mean");
  all.loss_sum = losses_ / weights_ * static_cast<double>(all.images);
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
