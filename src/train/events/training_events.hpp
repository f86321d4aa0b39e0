#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/recipe.hpp"
#include "satsuma/train/run_directory.hpp"
#include "src/train/events/event_writer.hpp"

namespace satsuma::train {

/// What a run tells TensorBoard: the scalars of its log, histograms of weights and gradients, pictures that
/// it trains on and that it mistakes, and its recipe. Training never ends because of it: the first error in
/// writing is said, and the rest of the run is left out. Nothing of the run's results depends on it.
class TrainingEvents {
 public:
  /// Begins a file in the run's directory; `step` is where the run stands. Throws UsageError where this build
  /// has no protobuf.
  TrainingEvents(const RunDirectory& directory, const Recipe& recipe, const ExperimentData& data,
                 std::int64_t step);
  /// A session that has not ended has failed.
  ~TrainingEvents();
  TrainingEvents(const TrainingEvents&) = delete;
  TrainingEvents& operator=(const TrainingEvents&) = delete;

  /// A line of the log.
  void on_record(const LogRecord& record);
  /// Before a step. Pictures of the first batch are kept.
  void on_batch(std::int64_t step, const data::Batch& batch);
  /// After the last step of an epoch, whose gradients are still there; `loader` has the images that weights
  /// are evaluated on.
  void on_epoch(std::int64_t step, nn::Module& model, data::Loader& loader);
  void on_end();

 private:
  /// Writes, or says that it could not.
  void attempt(const std::function<void(EventWriter&)>& write);
  void give_up(const IoError& error);
  void write_mistakes(EventWriter& writer, std::int64_t step, nn::Module& model, data::Loader& loader);
  EventPicture picture_of(const Tensor& images, std::int64_t index) const;
  std::string class_name(std::int64_t label) const;

  data::Normalisation normalisation_;
  std::vector<std::string> class_names_;
  std::optional<EventWriter> writer_;  ///< empty after an error
  bool has_samples_ = false;
};

}  // namespace satsuma::train
