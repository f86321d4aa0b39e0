#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "satsuma/core/profile.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/optim/schedule.hpp"
#include "satsuma/train/checkpoint.hpp"
#include "satsuma/train/ema.hpp"
#include "satsuma/train/evaluation.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/nm_schedule.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/recipe.hpp"
#include "satsuma/train/run_directory.hpp"

namespace satsuma::train {

class BestFiles;
class MaskChanges;
class Step;
class TrainingEvents;

/// How a run ended.
struct Outcome {
  TrainingState state;
  std::optional<double> train_loss;  ///< of the last epoch that was begun
  /// Of the final weights, averaged ones under --ema; empty after a stop, without a validation set, and where
  /// nothing was trained.
  std::optional<Evaluation> validation;
  /// Of `tested`; empty after a stop, without a test set, and where nothing was trained.
  std::optional<Evaluation> test;
  std::filesystem::path tested;  ///< the checkpoint whose weights `test` is of
  int signal = 0;                ///< that stopped the run early
  bool out_of_time = false;      ///< --max-time stopped it
  bool out_of_patience = false;  ///< --patience ended it
};

/// Trains a model as a recipe says and keeps its run directory. A step takes the batches of a group through
/// model, loss and backward pass, and then the optimiser's step (Step). Where layers multiply fp16 operands
/// the loss is scaled (LossScale). After each epoch the validation set is evaluated; what is best on it is
/// kept, and evaluated on the test set once, at the end. Without a validation set the latest weights are the
/// best. A new stage of a schedule of patterns begins anew with what is best: weights that are pruned
/// otherwise cannot be compared.
///
/// Where ranks train together each has a Trainer of the same recipe and data, and all calls are made on all
/// of them. Rank 0 alone keeps the run directory, and begins with the weights that all begin with. They stop
/// at the same step.
class Trainer {
 public:
  /// `directory` is open, or on other ranks than the first a guest's. Throws UsageError when the batch size
  /// does not fit the data or the ranks, and where something that needs a validation set is asked for without
  /// one.
  Trainer(const Recipe& recipe, std::shared_ptr<nn::Module> model, ExperimentData data,
          RunDirectory directory, Progress& progress, StopRequest stop = {},
          distributed::Communicator& ranks = distributed::alone());
  ~Trainer();

  /// Continues bit for bit where `checkpoint` stands. Throws FormatError when it does not fit the model or
  /// the data.
  void resume(const Checkpoint& checkpoint);

  /// Trains to the end of the recipe, the first signal or the end of its time, and writes init (unless
  /// resumed), last and best.safetensors, the log and evaluation.json on the way. Throws NumericError on a
  /// loss or a weight that is not finite and IoError when a file cannot be written; the last good checkpoint
  /// stays.
  Outcome run();

  std::int64_t batches_per_epoch() const { return train_loader_.batches_per_epoch(); }
  std::int64_t steps_per_epoch() const;
  /// Names of training images that could not be read and were passed over (Recipe::skip_bad_images), by any
  /// rank.
  std::vector<std::string> bad_images() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct RankTime {
    double seconds = 0;
    double waited = 0;
  };
  static std::optional<RankTimes> summary(const std::vector<RankTime>& times);

  bool out_of_patience() const;
  bool finished() const;
  /// Whether to stop early: the signal, or -1 where time is over.
  int stop_reason() const { return ranks_.size() > 1 ? agreed_stop_ : own_stop_reason(); }
  /// What this rank would stop for.
  int own_stop_reason() const;
  /// Throws NumericError on a loss that is none.
  void check_loss(const Tally& tally, double lr) const;
  /// Tells the other ranks how the step went here, and hears it of them: what devices have done becomes that
  /// of all. `seconds` are this rank's, `waited` those of them in which it waited.
  void end_step_with_others(Tally& tally, double waited);
  /// All begin with rank 0's weights.
  void share_weights();
  bool stop_requested() const { return stop_reason() != 0; }
  std::unique_ptr<data::Loader> loader_of(std::shared_ptr<const data::Dataset> images) const;
  void begin();
  void train_epoch();
  Tally step();
  /// Plans the layers anew where the schedule of patterns has another for the step that follows; true then.
  bool follow_nm_schedule();
  void end_interval();
  void log(const LogRecord& record);
  void end_epoch();
  /// Evaluates, logs and shows the result, and keeps the weights when they are the best so far. False when
  /// stopped. A whole epoch counts for patience and masks.
  bool validate(bool whole_epoch);
  bool evaluate_validation();
  void keep_best(bool whole_epoch);
  void log_epoch(bool whole_epoch);
  /// Evaluates what is kept as best on the test set, writes evaluation.json (of the validation set where
  /// there is no test set) and the last line of the log. `tested` becomes the checkpoint. Empty when stopped,
  /// and without a test set.
  std::optional<Evaluation> test(std::filesystem::path& tested);
  void save_last();
  void check_finite() const;
  void check_finite(const Evaluation& evaluation, std::string_view set) const;
  std::string kept() const;
  CheckpointInfo info() const;
  void show() const;
  EvaluationProgress shown_as(std::string_view work, std::int64_t images) const;

  Recipe recipe_;
  std::shared_ptr<nn::Module> model_;
  ExperimentData data_;
  RunDirectory directory_;
  Progress& progress_;
  StopRequest stop_;
  distributed::Communicator& ranks_;
  data::Loader train_loader_;
  std::unique_ptr<data::Loader> validation_loader_;
  optim::Optimizer optimizer_;
  optim::Schedule schedule_;
  std::optional<NmSchedule> nm_schedule_;
  Pattern pattern_;  ///< that layers are planned with
  std::vector<Device*> devices_;
  std::int64_t last_step_;
  std::unique_ptr<Step> step_;
  std::unique_ptr<BestFiles> best_files_;
  std::unique_ptr<MaskChanges> masks_;
  std::optional<WeightAverage> average_;

  TrainingState state_;
  bool resumed_ = false;
  std::optional<std::int64_t> saved_step_;  ///< of last.safetensors
  std::optional<RunLog> log_;
  std::unique_ptr<TrainingEvents> events_;  ///< null without Recipe::tensorboard
  bool validated_ = false;                  ///< the present weights
  std::optional<Evaluation> validation_;    ///< of them
  Tally this_session_;                      ///< since run() began, for the ETA
  Profile* profile_ = nullptr;              ///< since the last line of the log, while run() runs
  double evaluation_seconds_ = 0;
  std::optional<Clock::time_point> deadline_;
  double save_seconds_ = 0;  ///< of last.safetensors, the longest
  double longest_step_ = 0;  ///< seconds
  int agreed_stop_ = 0;      ///< by all ranks, where there are several
  /// Of each rank, since the last line of the log and since the epoch began.
  std::vector<RankTime> interval_times_, epoch_times_;
};

}  // namespace satsuma::train
