#pragma once

#include <optional>
#include <vector>

#include "satsuma/data/loader.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/optim/clip.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// One update of the weights from a group of batches, as a recipe says it: model -> loss -> backward for each
/// batch, whose gradients add up to those of the group as one batch, then clipping and the optimiser's step.
class Step {
 public:
  /// `class_weights` may be undefined. Model and optimiser outlive this.
  Step(const Recipe& recipe, nn::Module& model, optim::Optimizer& optimizer, Tensor class_weights);

  /// Begins an update of `group` batches. Masks that are held are chosen anew when it is time.
  void begin(std::int64_t step, std::int64_t group);
  /// Runs the model on one batch of the group: the mean loss, the images and how many were right. `draw` is
  /// the number of the batch in the run, by which a sampled dY is drawn.
  Tally forward(const data::Batch& batch, std::int64_t draw);
  /// Adds the gradients of the batch that was last given to forward(), under a loss scale where there is one.
  void backward(const std::optional<LossScale>& scale);
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
  std::int64_t group_ = 1;
  Tensor loss_;
  double weight_ = 0;   ///< of the latest loss in its group: ops::cross_entropy_divisor()
  double weights_ = 0;  ///< of the group's batches so far
  double gradient_norm_ = 0;
};

}  // namespace satsuma::train
