#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// Exponential moving average of a model's weights and buffers (timm's ModelEmaV2; PyTorch's
/// get_ema_multi_avg_fn with use_buffers, begun before the first step):
///   a <- a + (1 - decay) * (w - a)
/// begun at the weights that there are. Buffers of whole numbers (num_batches_tracked) are taken over.
class WeightAverage {
 public:
  WeightAverage(const nn::Module& model, double decay);

  /// After an optimiser's step.
  void update();

  /// The averages under the model's names; shared with this.
  const std::vector<nn::NamedTensor>& state() const { return averages_; }
  /// Throws FormatError when a name is missing, there is one too many, or a shape differs, before anything is
  /// changed.
  void load_state(const std::map<std::string, Tensor>& values);

  /// The model has the averages in place of its weights while this lives, and then the same bits as before.
  class InModel {
   public:
    /// Nothing happens where there are no averages.
    explicit InModel(const std::optional<WeightAverage>& average);
    ~InModel();
    InModel(const InModel&) = delete;
    InModel& operator=(const InModel&) = delete;

   private:
    std::vector<nn::NamedTensor> model_;
    std::vector<Tensor> weights_;
  };

 private:
  std::vector<nn::NamedTensor> model_;
  std::vector<nn::NamedTensor> averages_;
  double decay_;
};

}  // namespace satsuma::train
