#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/nn/module.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/loss_scale.hpp"
#include "satsuma/train/metrics.hpp"

namespace satsuma::train {

/// Where a training run stands. What follows depends on this, the recipe and the tensors alone: random
/// numbers are functions of seed, epoch and step.
struct TrainingState {
  std::int64_t step = 0;                ///< steps done
  std::int64_t epoch = 0;               ///< epochs done
  std::int64_t batch = 0;               ///< batches done of the next epoch
  std::optional<double> best_accuracy;  ///< of validation
  std::int64_t best_epoch = 0;          ///< counted from 1; 0 where there is none yet
  std::int64_t epochs_since_best = 0;   ///< whole ones
  std::int64_t evaluated = 0;           ///< step whose weights were evaluated last, kept if best, and logged
  std::optional<LossScale> loss_scale;  ///< where products are made of fp16
  Tally interval;                       ///< since the last line of the log
  Tally running;                        ///< of the epoch under way
  Tally total;
};

/// Whose state a checkpoint holds.
struct OptimizerInfo {
  std::string name;  ///< of optim::Kind; empty where there is no state
  std::int64_t steps = 0;
};

/// What a checkpoint says about itself, in the safetensors metadata. save_checkpoint() fills in the last two.
struct CheckpointInfo {
  std::string recipe;  ///< TOML
  Shape input;         ///< [C, H, W]
  std::int64_t classes = 0;
  TrainingState state;
  std::vector<std::uint64_t> generators;  ///< positions of Module::generators()
  OptimizerInfo optimizer;
  /// How the weights are pruned where they are used; the file holds the dense masters. Read from the recipe
  /// in checkpoints that do not say it.
  std::string method = {};
  std::string pattern = {};  ///< N:M
  /// In the order of the labels; bytes that are no UTF-8 are replaced. Empty where the data had none.
  std::vector<std::string> class_names = {};
  std::optional<double> validation_accuracy = {};  ///< of these weights, where they were evaluated
};

struct Checkpoint {
  std::filesystem::path path;
  std::optional<CheckpointInfo> info;  ///< empty when the file is not one of ours (written by Python)
  std::map<std::string, Tensor> model;
  std::map<std::string, Tensor> optimizer;
  std::map<std::string, Tensor> masks;        ///< held positions, `LAYER.ff` and `LAYER.bp`
  std::map<std::string, Tensor> ema;          ///< averages of the model's tensors, under their names
  std::map<std::string, Tensor> epoch_masks;  ///< MaskChanges::positions()
  std::map<std::string, std::string> unread;  ///< SafeTensors::unread
};

/// What else training goes on from; the pointers may be null.
struct CheckpointExtras {
  const std::vector<nn::NamedTensor>* ema = nullptr;           ///< written as `ema.NAME`
  const std::map<std::string, Tensor>* epoch_masks = nullptr;  ///< written as `epoch_mask.LAYER`
};

/// Writes parameters (dense masters, not pruned) and buffers under their (torchvision's) names and, where
/// `optimizer` is given, its state as `optimizer.STATE.PARAMETER` (`optimizer.exp_avg.fc.weight`). Atomic.
/// Throws IoError.
void save_checkpoint(const std::filesystem::path& path, const nn::Module& model,
                     const optim::Optimizer* optimizer, const CheckpointInfo& info,
                     const CheckpointExtras& extras = {});

/// Reads any safetensors file. Throws IoError and FormatError.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// Copies the tensors of the model into `model`. A counter of batches (`num_batches_tracked`) on which no
/// result depends is 0 where the file has none. Returns what the file has and the model has no place for, as
/// it is shown: names, with their types where those are not Satsuma's. Throws FormatError, naming file and
/// tensor, when a name is missing, a shape differs or a value is not finite in f32, before anything is
/// changed.
std::vector<std::string> restore(const Checkpoint& checkpoint, nn::Module& model);
/// The same for all that training goes on from: tensors, the optimiser's state, positions of the generators.
/// Every name has to be there, and no other. Throws FormatError, too, when the state is another optimiser's.
void restore(const Checkpoint& checkpoint, nn::Module& model, optim::Optimizer& optimizer);

}  // namespace satsuma::train
