#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "satsuma/core/batch_share.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/optim/clip.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/distributed/gradient_exchange.hpp"

namespace satsuma::train {

/// One update of the weights from a group of batches, as a recipe says it: model -> loss -> backward for each
/// batch, whose gradients add up to those of the group as one batch, then clipping and the optimiser's step.
/// Where ranks train together each has its share of every batch, and gradients are those of all from
/// exchange() on.
class Step {
 public:
  /// `class_weights` may be undefined. Model, optimiser and ranks outlive this.
  Step(const Recipe& recipe, nn::Module& model, optim::Optimizer& optimizer, Tensor class_weights,
       distributed::Communicator& ranks = distributed::alone());

  /// Begins an update of `group` batches. Masks that are held are chosen anew when it is time.
  void begin(std::int64_t step, std::int64_t group);
  /// Runs the model on one batch of the group: the mean loss, the images and how many were right. `draw` is
  /// the number of the batch in the run, by which a sampled dY is drawn.
  Tally forward(const data::Batch& batch, std::int64_t draw);
  /// Adds the gradients of the batch that was last given to forward(), under a loss scale where there is one.
  void backward(const std::optional<LossScale>& scale);
  /// After the last backward() of the group: waits for the gradients of all ranks. `own` are the sums of this
  /// rank's share; returns those of all.
  Tally exchange(const Tally& own);
  /// Seconds that this rank has waited for others in exchange(), in all.
  double waited() const { return exchange_ ? exchange_->waited() : 0; }
  /// The optimiser's step; false where a loss scale had it skipped.
  bool update(double lr, std::optional<LossScale>& scale);

  /// Length of all gradients of the latest update before it was clipped, under --clip norm.
  double gradient_norm() const { return gradient_norm_; }

 private:
  nn::Module& model_;
  optim::Optimizer& optimizer_;
  std::vector<std::shared_ptr<Contraction>> layers_;
  std::vector<nn::Parameter> parameters_;
  std::vector<nn::Parameter> clipped_;
  optim::Clip clip_;
  double label_smoothing_;
  Tensor class_weights_;
  double batch_size_;
  distributed::Communicator& ranks_;
  BatchShare share_;
  std::unique_ptr<distributed::GradientExchange> exchange_;  ///< null where there is one rank
  std::int64_t group_ = 1;
  std::int64_t parts_ = 0;  ///< batches of the group whose gradients are there
  Tensor loss_;
  double divisor_ = 0;  ///< of the latest loss: ops::cross_entropy_divisor()
  double weights_ = 0;  ///< of the group's batches so far
  double losses_ = 0;   ///< the sums that their losses are the means of
  double gradient_norm_ = 0;
};

}  // namespace satsuma::train
