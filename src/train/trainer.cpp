#include "satsuma/train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/loading.hpp"
#include "satsuma/train/saved_precision.hpp"
#include "src/train/events/training_events.hpp"
#include "src/train/finite.hpp"

namespace satsuma::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

bool multiplies_fp16(const nn::Module& model) {
  const auto layers = model.contractions();
  return std::any_of(layers.begin(), layers.end(),
                     [](const auto& layer) { return layer->plan().operands == DType::f16; });
}

}  // namespace

Trainer::Trainer(const Recipe& recipe, std::shared_ptr<nn::Module> model, ExperimentData data,
                 RunDirectory directory, Progress& progress, StopRequest stop)
    : recipe_(recipe),
      model_(std::move(model)),
      data_(std::move(data)),
      directory_(std::move(directory)),
      progress_(progress),
      stop_(std::move(stop)),
      train_loader_(data_.train, data_.normalisation, training_options(recipe, data_)),
      test_loader_(data_.test ? data_.test : data_.validation, data_.normalisation,
                   evaluation_options(recipe, data_)),
      optimizer_(optim::find_optimizer(recipe.optimizer), model_->parameters(), recipe.optimizer_settings()),
      layers_(model_->contractions()),
      devices_(devices_of(*model_)) {
  const std::int64_t all_steps = recipe.epochs * batches_per_epoch();
  last_step_ = std::min(recipe.steps.value_or(all_steps), all_steps);
  schedule_.kind = optim::parse_schedule(recipe.schedule);
  schedule_.peak = recipe.lr.value_or(optimizer_.kind().default_lr);
  schedule_.total_steps = std::max<std::int64_t>(all_steps, 1);
  schedule_.warmup = recipe.warmup;
  pattern_ = Pattern::parse(recipe.nm);
  if (!recipe.nm_schedule.empty()) nm_schedule_ = NmSchedule::parse(recipe.nm_schedule);
  follow_nm_schedule();
  if (multiplies_fp16(*model_)) state_.loss_scale = LossScale();
  if (recipe.tensorboard) EventWriter::check_available();
}

Trainer::~Trainer() = default;

void Trainer::resume(const Checkpoint& checkpoint) {
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), what));
  };
  if (!checkpoint.info) fail("it has no training state; start from its weights with --init instead");
  const TrainingState& state = checkpoint.info->state;
  if (state.batch > batches_per_epoch() || state.step != state.epoch * batches_per_epoch() + state.batch) {
    fail(fmt::format(
        "step {} is not batch {} of epoch {} with {} batches an epoch; the data or the batch size differ",
        state.step, state.batch, state.epoch + 1, batches_per_epoch()));
  }
  const std::optional<LossScale> fresh = state_.loss_scale;
  state_ = state;
  follow_nm_schedule();
  restore(checkpoint, *model_, optimizer_);
  // The precision may have changed.
  if (fresh.has_value() != state.loss_scale.has_value()) state_.loss_scale = fresh;
  if (std::error_code error; state_.best_accuracy && !std::filesystem::exists(directory_.best(), error)) {
    progress_.say("note: best.safetensors is missing; the next weights that are evaluated take its place");
    state_.best_accuracy.reset();
  }
  saved_step_ = state.step;
  resumed_ = true;
}

Outcome Trainer::run() {
  if (std::error_code error; state_.step > 0 && !std::filesystem::exists(directory_.log(), error))
    progress_.say(fmt::format("note: log.jsonl is missing; it begins anew after step {}", state_.step));
  log_.emplace(directory_.log(), state_.step);
  if (recipe_.tensorboard)
    events_ = std::make_unique<TrainingEvents>(directory_, recipe_, data_, state_.step);
  if (!resumed_) {
    save_checkpoint(directory_.init(), *model_, nullptr, info());
    save_last();
  }
  model_->train();
  while (!stop_requested()) {
    if (state_.batch == batches_per_epoch()) {
      end_epoch();
    } else if (!finished()) {
      train_epoch();
    } else {
      break;
    }
  }
  // Steps end in the middle of an epoch where --steps or a signal says so, or all was done before.
  const bool trained = this_session_.images > 0;
  if (!stop_requested() && last_step_ > 0 && !evaluation_) {
    if (trained) {
      evaluate_epoch();
    } else {
      evaluation_ = evaluate(*model_, test_loader_, stop_);
    }
  }
  if (trained && state_.batch > 0) save_last();
  if (events_ && !stop_requested()) events_->on_end();

  Outcome outcome;
  outcome.state = state_;
  if (state_.running.images > 0) outcome.train_loss = state_.running.loss();
  outcome.evaluation = evaluation_;
  outcome.signal = stop_ ? stop_() : 0;
  return outcome;
}

void Trainer::train_epoch() {
  if (state_.batch == 0) state_.running = {};
  train_loader_.start(state_.epoch, state_.batch);
  Clock::time_point begin = Clock::now();
  data::Batch batch;
  while (state_.step < last_step_ && !stop_requested() && train_loader_.next(batch)) {
    if (events_) events_->on_batch(state_.step, batch);
    Tally tally = step(batch);
    tally.seconds = seconds_since(begin);
    state_.interval += tally;
    state_.running += tally;
    state_.total += tally;
    this_session_ += tally;
    ++state_.step;
    ++state_.batch;
    show();
    if (state_.step % recipe_.log_every == 0) end_interval();
    if (recipe_.save_every && state_.step % *recipe_.save_every == 0) save_last();
    begin = Clock::now();
  }
}

Tally Trainer::step(const data::Batch& batch) try {
  begin_step();
  const Work before = executed(devices_);
  evaluation_.reset();
  optimizer_.zero_grad();
  const SavedPrecision precision(saved_precision_of(*model_));
  const Tensor logits = (*model_)(batch.images);
  const Tensor loss = ops::cross_entropy(logits, batch.labels, recipe_.label_smoothing);
  const double value = loss.item();
  const double lr = schedule_.at(state_.step);
  if (!std::isfinite(value)) {
    // The first loss is that of the weights that training begins with.
    const char* const advice = state_.step == 0 && !recipe_.init.empty()
                                   ? "the weights of --init are too large for this model"
                                   : "try a lower --lr or a longer --warmup";
    throw NumericError(fmt::format("loss is {} at step {} (epoch {}, learning rate {:.3g}){}; {}", value,
                                   state_.step + 1, state_.epoch + 1, lr, kept(), advice));
  }
  descend(loss, lr);

  Tally tally;
  tally.images = batch.labels.numel();
  tally.loss_sum = value * static_cast<double>(tally.images);
  tally.correct = ops::count_correct(logits.detach(), batch.labels);
  tally.work = executed(devices_) - before;
  return tally;
} catch (const DeviceError& error) {
  throw DeviceError(fmt::format("step {}, {}", state_.step + 1, error.what()));
}

void Trainer::follow_nm_schedule() {
  if (!nm_schedule_) return;
  const Pattern now =
      nm_schedule_->at(static_cast<double>(state_.step) / static_cast<double>(schedule_.total_steps));
  if (now == pattern_) return;
  pattern_ = now;
  LayerOptions options = recipe_.layer_options();
  options.pattern = now;
  configure_layers(*model_, options);
  devices_ = devices_of(*model_);
}

void Trainer::begin_step() {
  follow_nm_schedule();
  for (const auto& layer : layers_) layer->begin_step(state_.step);
}

void Trainer::descend(const Tensor& loss, double lr) {
  if (!state_.loss_scale) {
    backward(loss);
    optimizer_.step(lr);
    return;
  }
  LossScale& scale = *state_.loss_scale;
  backward(loss, Tensor::full(loss.shape(), scale.value, loss.dtype()));
  const bool finite = unscale_gradients(model_->parameters(), scale.value);
  if (finite) optimizer_.step(lr);
  scale.update(finite);
}

void Trainer::end_interval() {
  LogRecord record;
  record.step = state_.step;
  record.epoch = state_.epoch + 1;
  record.lr = schedule_.at(state_.step - 1);
  record.pattern = pattern_;
  record.tally = state_.interval;
  record.loss_scale = state_.loss_scale;
  record.seconds = state_.total.seconds;
  log(record);
  state_.interval = {};
}

void Trainer::log(const LogRecord& record) {
  log_->write(record);
  if (events_) events_->on_record(record);
}

void Trainer::end_epoch() {
  if (!evaluate_epoch()) return;
  ++state_.epoch;
  state_.batch = 0;
  save_last();
}

bool Trainer::evaluate_epoch() {
  check_finite();
  evaluation_ = evaluate(*model_, test_loader_, stop_);
  if (!evaluation_) return false;
  // Weights may be finite and what they make of an image not.
  if (!std::isfinite(evaluation_->loss)) {
    throw NumericError(fmt::format("test loss is {} after step {}{}; try a lower --lr or a longer --warmup",
                                   evaluation_->loss, state_.step, kept()));
  }
  evaluation_seconds_ = evaluation_->seconds;
  if (!state_.best_accuracy || evaluation_->top1 > *state_.best_accuracy) {
    state_.best_accuracy = evaluation_->top1;
    save_checkpoint(directory_.best(), *model_, nullptr, info());
  }

  LogRecord record;
  record.epoch_end = true;
  record.step = state_.step;
  record.epoch = state_.epoch + 1;
  record.lr = schedule_.at(state_.step - 1);
  record.pattern = pattern_;
  record.tally = state_.running;
  record.seconds = state_.total.seconds;
  record.loss_scale = state_.loss_scale;
  record.test_loss = evaluation_->loss;
  record.test_accuracy = evaluation_->top1;
  log(record);
  if (events_) events_->on_epoch(state_.step, *model_, test_loader_);
  progress_.say(
      fmt::format("epoch {}/{}  train loss {:.4f}  train accuracy {:.2f} %  test loss {:.4f}  test accuracy "
                  "{:.2f} %  {:.0f} images/s",
                  record.epoch, recipe_.epochs, record.tally.loss(), 100 * record.tally.accuracy(),
                  evaluation_->loss, 100 * evaluation_->top1, record.tally.images_per_second()));
  if (const Work& work = record.tally.work; work.device_nanoseconds > 0) {
    progress_.say(
        fmt::format("this epoch would have taken {:.3g} s and {:.3g} J on the card, {:.0f} images/s",
                    work.device_seconds(), work.joules(),
                    static_cast<double>(record.tally.images) / work.device_seconds()));
  }
  if (const Work& work = record.tally.work; work.kernel_nanoseconds > 0) {
    progress_.say(fmt::format("by the device's clock {:.3g} s of kernels, {:.3g} s of transfers of {:.3g} GB",
                              work.kernel_seconds(), work.transfer_seconds(),
                              1e-9 * static_cast<double>(work.bytes_moved)));
  }
  if (const auto& scale = state_.loss_scale; scale && scale->skipped > 0) {
    progress_.say(fmt::format("loss scale {:g}, {} step{} skipped so far", scale->value, scale->skipped,
                              scale->skipped == 1 ? "" : "s"));
  }
  return true;
}

std::string Trainer::kept() const {
  if (!saved_step_) return "";
  return fmt::format("; {} holds step {}", directory_.last().string(), *saved_step_);
}

void Trainer::check_finite() const {
  for (const nn::NamedTensor& tensor : model_->state()) {
    if (!first_not_finite(tensor.value)) continue;
    throw NumericError(
        fmt::format("'{}' is not finite after step {}{}; try a lower --lr or a longer --warmup", tensor.name,
                    state_.step, kept()));
  }
}

void Trainer::save_last() {
  check_finite();
  try {
    save_checkpoint(directory_.last(), *model_, &optimizer_, info());
  } catch (const IoError& error) {
    throw IoError(error.what() + kept());
  }
  saved_step_ = state_.step;
}

CheckpointInfo Trainer::info() const {
  return {to_toml(recipe_), data_.input,         data_.classes,    state_, {}, {},
          recipe_.method,   to_string(pattern_), data_.class_names};
}

std::vector<std::string> Trainer::bad_images() const {
  std::vector<std::string> names;
  for (const std::int64_t index : train_loader_.bad_images()) names.push_back(data_.train->name(index));
  return names;
}

void Trainer::show() const {
  ProgressState shown;
  shown.epoch = state_.epoch + 1;
  shown.epochs = recipe_.epochs;
  shown.batch = state_.batch;
  shown.batches = batches_per_epoch();
  shown.loss = state_.running.loss();
  shown.accuracy = state_.running.accuracy();
  shown.images_per_second = this_session_.images_per_second();
  const auto images_left = static_cast<double>((last_step_ - state_.step) * recipe_.batch_size);
  const auto evaluations_left = static_cast<double>(recipe_.epochs - state_.epoch);
  shown.seconds_left = images_left / shown.images_per_second + evaluations_left * evaluation_seconds_;
  progress_.update(shown);
}

}  // namespace satsuma::train
