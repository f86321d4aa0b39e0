#pragma once

#include <memory>
#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// Resize and crop of data::Preprocess; 0 is none.
struct Frame {
  std::int64_t resize = 0;
  std::int64_t crop = 0;
};

/// The data that a recipe names.
struct ExperimentData {
  std::shared_ptr<const data::Dataset> train;       ///< cut to Recipe::limit_train
  std::shared_ptr<const data::Dataset> validation;  ///< what weights are chosen by; may be null
  std::shared_ptr<const data::Dataset> test;        ///< evaluated once, at the end; may be null
  data::Normalisation normalisation;
  Frame train_frame;  ///< how training images that are not cropped at random are brought to the model's size
  Frame frame;        ///< evaluation
  Shape input;        ///< [C, H, W] of the model's input, padding included
  std::int64_t classes = 0;
  std::vector<std::string> class_names;  ///< in the order of their labels; empty where the set has none
  double val_share = 0;                  ///< of the training images that `validation` was taken from
};
/// Throws UsageError on an unknown data set or sizes that do not fit, IoError and FormatError when its files
/// are missing or bad or the classes of its parts differ.
ExperimentData load_data(const Recipe& recipe);
/// True where `data` is a path and no name: one with a slash, or of something that is there.
bool is_path(const std::string& data);
/// What bytes become: the data set's own, or for pictures of a path ImageNet's mean and standard deviation
/// (grey: the means of those). Throws UsageError on an unknown data set.
data::Normalisation normalisation_of(const Recipe& recipe, std::int64_t channels);
/// Fills in the sizes and the share that `data` was loaded with, so that the recipe says how to do it again.
void fill_sizes(Recipe& recipe, const ExperimentData& data);

/// The model that a recipe names, its weights drawn from the recipe's seed, its layers configured
/// (configure_layers()). Throws UsageError on an unknown model.
std::shared_ptr<nn::Module> make_model(const Recipe& recipe, const Shape& input, std::int64_t classes);

}  // namespace satsuma::train
