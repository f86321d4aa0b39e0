#include "satsuma/train/trainer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/duration.hpp"
#include "satsuma/train/evaluation_file.hpp"
#include "satsuma/train/loading.hpp"
#include "src/train/best_files.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/epoch_report.hpp"
#include "src/train/events/training_events.hpp"
#include "src/train/file_of_first.hpp"
#include "src/train/finite.hpp"
#include "src/train/is_there.hpp"
#include "src/train/mask_changes.hpp"
#include "src/train/same_classes.hpp"
#include "src/train/step.hpp"

namespace satsuma::train {

namespace {

constexpr int kOutOfTime = -1;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

LogRecord::Scores scores_of(const Evaluation& evaluation) {
  return {evaluation.loss, evaluation.top1, evaluation.top5};
}

data::LoaderOptions shared(data::LoaderOptions options, const distributed::Communicator& ranks,
                           bool batches) {
  options.rank = ranks.rank();
  options.ranks = ranks.size();
  options.share_batches = batches;
  return options;
}

/// Of what ranks would stop for: a signal counts more than the end of the time.
int most_urgent(const std::vector<int>& reasons) {
  const auto [least, most] = std::minmax_element(reasons.begin(), reasons.end());
  return *most > 0 ? *most : *least;
}

/// What ranks tell each other at the end of a step.
struct StepEnd {
  Work work;
  double seconds = 0;
  double waited = 0;
  int stop = 0;
};

}  // namespace

Trainer::Trainer(const Recipe& recipe, std::shared_ptr<nn::Module> model, ExperimentData data,
                 RunDirectory directory, Progress& progress, StopRequest stop,
                 distributed::Communicator& ranks)
    : recipe_(recipe),
      model_(std::move(model)),
      data_(std::move(data)),
      directory_(std::move(directory)),
      progress_(progress),
      stop_(std::move(stop)),
      ranks_(ranks),
      train_loader_(data_.train, data_.normalisation, shared(training_options(recipe, data_), ranks, false)),
      optimizer_(optim::find_optimizer(recipe.optimizer), model_->parameters(), recipe.optimizer_settings()),
      devices_(devices_of(*model_)) {
  optimizer_.set_lr_factors(recipe.lr_factors(model_->parameters()));
  if (data_.validation) validation_loader_ = loader_of(data_.validation);
  if (!data_.validation && recipe.patience)
    throw UsageError("--patience needs a validation set; give --val-share");
  if (!data_.validation && recipe.keep_best > 1)
    throw UsageError("--keep-best needs a validation set; give --val-share");
  const std::int64_t all_steps = recipe.epochs * steps_per_epoch();
  last_step_ = std::min(recipe.steps.value_or(all_steps), all_steps);
  schedule_ = recipe.learning_rates(std::max<std::int64_t>(all_steps, 1), steps_per_epoch());
  step_ = std::make_unique<Step>(recipe_, *model_, optimizer_,
                                 class_weights_of(recipe.class_weights, *data_.train, data_.classes), ranks_);
  best_files_ = std::make_unique<BestFiles>(directory_, recipe.keep_best);
  masks_ = std::make_unique<MaskChanges>(model_->contractions());
  if (!recipe.max_time.empty()) {
    const std::chrono::duration<double> limit(parse_duration("--max-time", recipe.max_time));
    deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  }
  pattern_ = Pattern::parse(recipe.nm);
  if (!recipe.nm_schedule.empty()) nm_schedule_ = NmSchedule::parse(recipe.nm_schedule);
  follow_nm_schedule();
  if (multiplies_fp16(*model_)) state_.loss_scale = LossScale();
  if (recipe.tensorboard) EventWriter::check_available();
}

Trainer::~Trainer() = default;

std::unique_ptr<data::Loader> Trainer::loader_of(std::shared_ptr<const data::Dataset> images) const {
  return std::make_unique<data::Loader>(std::move(images), data_.normalisation,
                                        shared(evaluation_options(recipe_, data_), ranks_, true));
}

std::int64_t Trainer::steps_per_epoch() const {
  return (batches_per_epoch() + recipe_.accumulate - 1) / recipe_.accumulate;
}

bool Trainer::out_of_patience() const {
  return recipe_.patience && state_.epochs_since_best >= *recipe_.patience;
}

bool Trainer::finished() const {
  return state_.step >= last_step_ || state_.epoch >= recipe_.epochs || out_of_patience();
}

int Trainer::own_stop_reason() const {
  if (const int signal = stop_ ? stop_() : 0; signal != 0) return signal;
  if (!deadline_) return 0;
  // Saving takes as long as it did, or twice; and who is asked next may be asked a step later.
  const std::chrono::duration<double> reserve(2 * save_seconds_ + 2 * longest_step_);
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(reserve) >= *deadline_ ? kOutOfTime : 0;
}

void Trainer::resume(const Checkpoint& checkpoint) {
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), what));
  };
  if (!checkpoint.info) fail("it has no training state; start from its weights with --init instead");
  check_same_classes(data_, recipe_, *checkpoint.info);
  const TrainingState& state = checkpoint.info->state;
  // Compared with what fits first: the file may hold any numbers.
  const std::int64_t steps = std::max<std::int64_t>(steps_per_epoch(), 1);
  const bool possible = state.batch <= batches_per_epoch() && state.epoch <= state.step / steps;
  if (!possible ||
      state.step != state.epoch * steps + (state.batch + recipe_.accumulate - 1) / recipe_.accumulate) {
    fail(fmt::format(
        "step {} is not batch {} of epoch {} with {} batches an epoch; the data or the batch size differ",
        state.step, state.batch, state.epoch + 1, batches_per_epoch()));
  }
  const std::optional<LossScale> fresh = state_.loss_scale;
  state_ = state;
  follow_nm_schedule();
  restore(checkpoint, *model_, optimizer_);
  if (recipe_.ema) {
    average_.emplace(*model_, *recipe_.ema);
    try {
      if (!checkpoint.ema.empty()) average_->load_state(checkpoint.ema);
    } catch (const FormatError& error) {
      fail(error.what());
    }
  }
  masks_->set_positions(checkpoint.epoch_masks);
  // The precision may have changed.
  if (fresh.has_value() != state.loss_scale.has_value()) state_.loss_scale = fresh;
  if (state_.best_accuracy && !ranks_.of_first(is_there(directory_.best()))) {
    progress_.say("note: best.safetensors is missing; the next weights that are evaluated take its place");
    state_.best_accuracy.reset();
  }
  if (ranks_.first()) best_files_->resume(state_.evaluated);
  saved_step_ = state.step;
  resumed_ = true;
}

void Trainer::share_weights() {
  if (ranks_.size() == 1) return;
  for (const nn::NamedTensor& tensor : model_->state()) {
    Tensor own = tensor.value;
    ranks_.broadcast(own.raw(), static_cast<std::size_t>(own.extent()) * size_of(own.dtype()));
  }
}

void Trainer::begin() {
  share_weights();
  if (!ranks_.first()) {
    if (!resumed_ && recipe_.ema) average_.emplace(*model_, *recipe_.ema);
    model_->train();
    return;
  }
  if (state_.step > 0 && !is_there(directory_.log()))
    progress_.say(fmt::format("note: log.jsonl is missing; it begins anew after step {}", state_.step));
  log_.emplace(directory_.log(), directory_.table(), state_.step, state_.evaluated);
  if (recipe_.tensorboard)
    events_ = std::make_unique<TrainingEvents>(directory_, recipe_, data_, state_.step);
  if (!resumed_) {
    if (recipe_.ema) average_.emplace(*model_, *recipe_.ema);
    masks_->look();
    save_checkpoint(directory_.init(), *model_, nullptr, info());
    save_last();
  }
  model_->train();
}

Outcome Trainer::run() {
  begin();
  Profile profile;
  profile_ = &profile;
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
  if (!stop_requested() && last_step_ > 0 && !validated_) {
    if (state_.evaluated < state_.step) {
      validate(false);
    } else {
      evaluate_validation();
    }
  }
  if (state_.batch > 0 && (trained || validated_)) save_last();

  Outcome outcome;
  if (!stop_requested() && last_step_ > 0) outcome.test = test(outcome.tested);
  if (events_ && !stop_requested()) events_->on_end();
  outcome.state = state_;
  if (state_.running.images > 0) outcome.train_loss = state_.running.loss();
  outcome.validation = validation_;
  const int reason = stop_reason();
  outcome.out_of_time = reason == kOutOfTime && !(finished() && (outcome.test || !data_.test));
  outcome.signal = reason == kOutOfTime ? 0 : reason;
  outcome.out_of_patience = out_of_patience();
  return outcome;
}

void Trainer::train_epoch() {
  if (state_.batch == 0) state_.running = {};
  train_loader_.start(state_.epoch, state_.batch);
  lap(Phase::other, "evaluation");
  while (state_.step < last_step_ && state_.batch < batches_per_epoch() && !stop_requested()) {
    const Tally tally = step();
    longest_step_ = std::max(longest_step_, tally.seconds);
    state_.interval += tally;
    state_.running += tally;
    state_.total += tally;
    this_session_ += tally;
    ++state_.step;
    show();
    if (state_.step % recipe_.log_every == 0) end_interval();
    if (recipe_.save_every && state_.step % *recipe_.save_every == 0) save_last();
    lap(Phase::other, "log");
  }
}

Tally Trainer::step() try {
  const Clock::time_point begin = Clock::now();
  if (follow_nm_schedule()) {
    state_.best_accuracy.reset();
    state_.epochs_since_best = 0;
    if (ranks_.first()) best_files_->clear();
    masks_->set_positions({});
  }
  const Work before = executed(devices_);
  validated_ = false;
  validation_.reset();
  const double lr = schedule_.at(state_.step);
  const std::int64_t group = std::min(recipe_.accumulate, batches_per_epoch() - state_.batch);
  step_->begin(state_.step, group);
  Tally tally;
  data::Batch batch;
  for (std::int64_t i = 0; i < group && train_loader_.next(batch); ++i, ++state_.batch) {
    lap(Phase::data, "loader");
    if (events_) events_->on_batch(state_.step, batch);
    const Tally part = step_->forward(batch, state_.epoch * batches_per_epoch() + state_.batch);
    // Several ranks have to hear of it together.
    if (ranks_.size() == 1) check_loss(part, lr);
    step_->backward(state_.loss_scale);
    tally += part;
  }
  const double waited_before = step_->waited();
  if (ranks_.size() > 1) {
    tally = step_->exchange(tally);
    lap(Phase::backward, "exchange");
    check_loss(tally, lr);
  }
  if (step_->update(lr, state_.loss_scale) && average_) average_->update();
  tally.work = executed(devices_) - before;
  lap(Phase::update, "optimizer");
  tally.seconds = seconds_since(begin);
  if (ranks_.size() > 1) end_step_with_others(tally, step_->waited() - waited_before);
  return tally;
} catch (const DeviceError& error) {
  throw DeviceError(fmt::format("step {}, {}", state_.step + 1, error.what()));
}

void Trainer::check_loss(const Tally& tally, double lr) const {
  if (std::isfinite(tally.loss_sum)) return;
  // The first loss is that of the weights that training begins with.
  const char* const advice = state_.step == 0 && !recipe_.init.empty()
                                 ? "the weights of --init are too large for this model"
                                 : "try a lower --lr or a longer --warmup";
  throw NumericError(fmt::format("loss is {} at step {} (epoch {}, learning rate {:.3g}){}; {}", tally.loss(),
                                 state_.step + 1, state_.epoch + 1, lr, kept(), advice));
}

void Trainer::end_step_with_others(Tally& tally, double waited) {
  const std::vector<StepEnd> all =
      ranks_.gather(StepEnd{tally.work, tally.seconds, waited, own_stop_reason()});
  tally.work = {};
  interval_times_.resize(all.size());
  epoch_times_.resize(all.size());
  std::vector<int> reasons;
  for (std::size_t r = 0; r < all.size(); ++r) {
    tally.work += all[r].work;
    reasons.push_back(all[r].stop);
    for (RankTime* const times : {&interval_times_[r], &epoch_times_[r]}) {
      times->seconds += all[r].seconds;
      times->waited += all[r].waited;
    }
  }
  agreed_stop_ = most_urgent(reasons);
}

std::optional<RankTimes> Trainer::summary(const std::vector<RankTime>& times) {
  if (times.empty()) return std::nullopt;
  const auto share = [](const RankTime& time) { return time.seconds > 0 ? time.waited / time.seconds : 0; };
  const auto slowest = std::min_element(
      times.begin(), times.end(), [](const RankTime& a, const RankTime& b) { return a.waited < b.waited; });
  RankTimes result;
  result.ranks = static_cast<std::int64_t>(times.size());
  result.slowest = slowest - times.begin();
  result.slowest_waiting = share(*slowest);
  for (const RankTime& time : times) result.waiting += share(time) / static_cast<double>(times.size());
  return result;
}

bool Trainer::follow_nm_schedule() {
  if (!nm_schedule_) return false;
  const Pattern now =
      nm_schedule_->at(static_cast<double>(state_.step) / static_cast<double>(schedule_.total_steps));
  if (now == pattern_) return false;
  pattern_ = now;
  LayerOptions options = recipe_.layer_options();
  options.pattern = now;
  configure_layers(*model_, options);
  devices_ = devices_of(*model_);
  return true;
}

void Trainer::end_interval() {
  LogRecord record;
  record.step = state_.step;
  record.epoch = state_.epoch + 1;
  record.lr = schedule_.at(state_.step - 1);
  record.pattern = pattern_;
  record.tally = state_.interval;
  record.loss_scale = state_.loss_scale;
  if (const double norm = step_->gradient_norm(); norm > 0) record.gradient_norm = norm;
  record.seconds = state_.total.seconds;
  record.time = StepTime{profile_->seconds(Phase::data), profile_->seconds(Phase::forward),
                         profile_->seconds(Phase::backward), profile_->seconds(Phase::update)};
  profile_->restart();
  record.ranks = summary(interval_times_);
  interval_times_.clear();
  log(record);
  state_.interval = {};
}

void Trainer::log(const LogRecord& record) {
  if (!ranks_.first()) return;
  log_->write(record);
  if (events_) events_->on_record(record);
}

void Trainer::end_epoch() {
  if (!validate(true)) return;
  ++state_.epoch;
  state_.batch = 0;
  save_last();
}

bool Trainer::evaluate_validation() {
  if (!validation_loader_) return true;
  const WeightAverage::InModel in_model(average_);
  validation_ = evaluate(
      *model_, *validation_loader_, [this] { return own_stop_reason(); },
      shown_as("validating", data_.validation->size()), ranks_);
  if (!validation_ && ranks_.size() > 1) agreed_stop_ = most_urgent(ranks_.gather(own_stop_reason()));
  return validation_.has_value();
}

bool Trainer::validate(bool whole_epoch) {
  check_finite();
  if (!evaluate_validation()) return false;
  if (validation_) {
    // Weights may be finite and what they make of an image not.
    check_finite(*validation_, "validation");
    evaluation_seconds_ = validation_->seconds;
  }
  validated_ = true;
  keep_best(whole_epoch);
  log_epoch(whole_epoch);
  state_.evaluated = state_.step;
  return true;
}

void Trainer::keep_best(bool whole_epoch) {
  const bool better = !validation_ || !state_.best_accuracy || validation_->top1 > *state_.best_accuracy;
  if (better) {
    if (validation_) state_.best_accuracy = validation_->top1;
    state_.best_epoch = state_.epoch + 1;
    state_.epochs_since_best = 0;
  } else if (whole_epoch) {
    ++state_.epochs_since_best;
  }
  if (!ranks_.first()) return;
  const WeightAverage::InModel in_model(average_);
  const auto save = [&](const std::filesystem::path& path) {
    CheckpointInfo own = info();
    if (validation_) own.validation_accuracy = validation_->top1;
    save_checkpoint(path, *model_, nullptr, own);
  };
  if (better) save(directory_.best());
  if (validation_) best_files_->add(validation_->top1, state_.step, save);
}

void Trainer::log_epoch(bool whole_epoch) {
  LogRecord record;
  record.kind = LogRecord::Kind::epoch;
  record.step = state_.step;
  record.epoch = state_.epoch + 1;
  record.lr = schedule_.at(state_.step - 1);
  record.pattern = pattern_;
  record.tally = state_.running;
  record.seconds = state_.total.seconds;
  record.loss_scale = state_.loss_scale;
  if (validation_) record.validation = scores_of(*validation_);
  if (whole_epoch && ranks_.first()) record.mask_change = masks_->look();
  record.ranks = summary(epoch_times_);
  epoch_times_.clear();
  log(record);
  if (events_) events_->on_epoch(state_.step, *model_, validation_loader_.get());
  for (const std::string& line : epoch_lines(record, recipe_.epochs)) progress_.say(line);
}

std::optional<Evaluation> Trainer::test(std::filesystem::path& tested) {
  if (!data_.test && !data_.validation) return std::nullopt;
  const bool has_best = ranks_.of_first(is_there(directory_.best()));
  tested = has_best ? directory_.best() : directory_.last();
  std::optional<WeightAverage::InModel> in_model;
  if (has_best) {
    // Training is over: the model ends with the weights that it is tested with.
    const FileOfFirst file(ranks_, tested);
    restore(load_checkpoint(file.path()), *model_);
    for (const auto& layer : model_->contractions()) layer->begin_step(0);
  } else {
    in_model.emplace(average_);
  }
  const auto& images = data_.test ? data_.test : data_.validation;
  const std::unique_ptr<data::Loader> loader = loader_of(images);
  const std::optional<Evaluation> result = evaluate(
      *model_, *loader, [this] { return own_stop_reason(); }, shown_as("testing", images->size()), ranks_);
  if (!result && ranks_.size() > 1) agreed_stop_ = most_urgent(ranks_.gather(own_stop_reason()));
  if (!result) return std::nullopt;
  check_finite(*result, data_.test ? "test" : "validation");
  const std::string set = data_.test ? "test" : "validation";
  if (ranks_.first())
    write_atomically(directory_.evaluation(),
                     evaluation_file(*result, *images, data_.class_names, set, tested.filename().string(),
                                     has_best ? state_.best_epoch : state_.epoch));
  if (!data_.test) return std::nullopt;
  LogRecord record;
  record.kind = LogRecord::Kind::test;
  record.step = state_.step;
  record.epoch = has_best ? state_.best_epoch : state_.epoch;
  record.test = scores_of(*result);
  log(record);
  return result;
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

void Trainer::check_finite(const Evaluation& evaluation, std::string_view set) const {
  if (std::isfinite(evaluation.loss)) return;
  throw NumericError(fmt::format("{} loss is {} after step {}{}; try a lower --lr or a longer --warmup", set,
                                 evaluation.loss, state_.step, kept()));
}

void Trainer::save_last() {
  check_finite();
  if (!ranks_.first()) {
    saved_step_ = state_.step;
    return;
  }
  const Clock::time_point begin = Clock::now();
  try {
    save_checkpoint(directory_.last(), *model_, &optimizer_, info(),
                    {.ema = average_ ? &average_->state() : nullptr, .epoch_masks = &masks_->positions()});
  } catch (const IoError& error) {
    throw IoError(error.what() + kept());
  }
  save_seconds_ = std::max(save_seconds_, seconds_since(begin));
  saved_step_ = state_.step;
}

CheckpointInfo Trainer::info() const {
  return {to_toml(recipe_), data_.input,         data_.classes,    state_, {}, {},
          recipe_.method,   to_string(pattern_), data_.class_names};
}

EvaluationProgress Trainer::shown_as(std::string_view work, std::int64_t images) const {
  return [this, work, images](std::int64_t done) { progress_.update(work, "images", done, images); };
}

std::vector<std::string> Trainer::bad_images() const {
  std::vector<std::string> names;
  std::set<std::int64_t> indices;
  for (const std::int64_t index : ranks_.gather_lists(train_loader_.bad_images())) indices.insert(index);
  for (const std::int64_t index : indices) names.push_back(data_.train->name(index));
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
  const auto images_left =
      static_cast<double>((last_step_ - state_.step) * recipe_.batch_size * recipe_.accumulate);
  const auto evaluations_left = static_cast<double>(recipe_.epochs - state_.epoch);
  shown.seconds_left = images_left / shown.images_per_second + evaluations_left * evaluation_seconds_;
  progress_.update(shown);
}

}  // namespace satsuma::train
