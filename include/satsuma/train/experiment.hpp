#pragma once

#include <memory>
#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// The data that a recipe names.
struct ExperimentData {
  std::shared_ptr<const data::Dataset> train;       ///< cut to Recipe::limit_train
  std::shared_ptr<const data::Dataset> validation;  ///< what weights are chosen by; may be null
  std::shared_ptr<const data::Dataset> test;        ///< evaluated once, at the end; may be null
  data::Normalisation normalisation;
  Shape input;  ///< [C, H, W] of the model's input, padding included
  std::int64_t classes = 0;
  std::vector<std::string> class_names;  ///< in the order of their labels; empty where the set has none
};
/// Throws UsageError on an unknown data set, IoError and FormatError when its files are missing or bad.
ExperimentData load_data(const Recipe& recipe);

/// The model that a recipe names, its weights drawn from the recipe's seed, its layers configured
/// (configure_layers()). Throws UsageError on an unknown model.
std::shared_ptr<nn::Module> make_model(const Recipe& recipe, const Shape& input, std::int64_t classes);

}  // namespace satsuma::train
