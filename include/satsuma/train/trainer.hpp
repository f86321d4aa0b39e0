#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "satsuma/data/loader.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/optim/schedule.hpp"
#include "satsuma/train/checkpoint.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/nm_schedule.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/recipe.hpp"
#include "satsuma/train/run_directory.hpp"

namespace satsuma::train {

class TrainingEvents;

/// Returns the signal that asks for the end, 0 for none. Asked once a step.
using StopRequest = std::function<int()>;

struct Evaluation {
  double loss = 0;  ///< mean cross-entropy, without label smoothing
  double top1 = 0;  ///< share of images whose largest logit stands at the label
  std::int64_t count = 0;
  double seconds = 0;
};

/// Runs `model` over the batches of `loader` in evaluation mode. Empty when `stop` asked for the end.
std::optional<Evaluation> evaluate(nn::Module& model, data::Loader& loader, const StopRequest& stop = {});

/// How a run ended.
struct Outcome {
  TrainingState state;
  std::optional<double> train_loss;  ///< of the last epoch that was begun
  std::optional<Evaluation>
      evaluation;  ///< of the final weights; empty after a signal and where nothing was trained
  int signal = 0;  ///< that stopped the run early
};

/// Trains a model as a recipe says and keeps its run directory: a step is loader -> model -> loss -> backward
/// -> Optimizer::step. Where layers multiply fp16 operands the loss is scaled (LossScale).
class Trainer {
 public:
  /// `directory` is open. Throws UsageError when the batch size does not fit the data.
  Trainer(const Recipe& recipe, std::shared_ptr<nn::Module> model, ExperimentData data,
          RunDirectory directory, Progress& progress, StopRequest stop = {});
  ~Trainer();

  /// Continues bit for bit where `checkpoint` stands. Throws FormatError when it does not fit the model or
  /// the data.
  void resume(const Checkpoint& checkpoint);

  /// Trains to the end of the recipe or the first signal, and writes init (unless resumed), last and
  /// best.safetensors and the log on the way. Throws NumericError on a loss or a weight that is not finite
  /// and IoError when a file cannot be written; the last good checkpoint stays.
  Outcome run();

  std::int64_t batches_per_epoch() const { return train_loader_.batches_per_epoch(); }
  /// Names of training images that could not be read and were passed over (Recipe::skip_bad_images).
  std::vector<std::string> bad_images() const;

 private:
  bool finished() const { return state_.step >= last_step_ || state_.epoch >= recipe_.epochs; }
  bool stop_requested() const { return stop_ && stop_() != 0; }
  void train_epoch();
  Tally step(const data::Batch& batch);
  /// Plans the layers anew where the schedule of patterns has another for the step that follows.
  void follow_nm_schedule();
  /// Tells the layers which step begins.
  void begin_step();
  /// Backward pass and the optimiser's step; under loss scaling the step may be skipped.
  void descend(const Tensor& loss, double lr);
  void end_interval();
  void log(const LogRecord& record);
  void end_epoch();
  /// Evaluates, logs and shows the result, and keeps the weights when they are the best so far. False when
  /// stopped.
  bool evaluate_epoch();
  void save_last();
  void check_finite() const;
  std::string kept() const;
  CheckpointInfo info() const;
  void show() const;

  Recipe recipe_;
  std::shared_ptr<nn::Module> model_;
  ExperimentData data_;
  RunDirectory directory_;
  Progress& progress_;
  StopRequest stop_;
  data::Loader train_loader_;
  data::Loader test_loader_;
  optim::Optimizer optimizer_;
  optim::Schedule schedule_;
  std::optional<NmSchedule> nm_schedule_;
  Pattern pattern_;  ///< that layers are planned with
  std::vector<std::shared_ptr<Contraction>> layers_;
  std::vector<Device*> devices_;
  std::int64_t last_step_;

  TrainingState state_;
  bool resumed_ = false;
  std::optional<std::int64_t> saved_step_;  ///< of last.safetensors
  std::optional<RunLog> log_;
  std::unique_ptr<TrainingEvents> events_;  ///< null without Recipe::tensorboard
  std::optional<Evaluation> evaluation_;    ///< of the present weights
  Tally this_session_;                      ///< since run() began, for the ETA
  double evaluation_seconds_ = 0;
};

}  // namespace satsuma::train
