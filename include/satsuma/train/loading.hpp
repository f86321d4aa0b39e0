#pragma once

#include "satsuma/data/loader.hpp"
#include "satsuma/data/preprocess.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// How a recipe's images are loaded for training: in a new order each epoch, augmented, whole batches.
data::LoaderOptions training_options(const Recipe& recipe, const ExperimentData& data);
/// And for evaluation: in order, resized and cropped alone, all of them.
data::LoaderOptions evaluation_options(const Recipe& recipe, const ExperimentData& data);

/// What a model that was trained by `recipe`, filled in by fill_sizes(), on input of [C, H, W] gets of any
/// picture in evaluation. The data themselves need not be there. Throws UsageError on an unknown data set.
data::Preprocess preprocess_of(const Recipe& recipe, const Shape& input);

}  // namespace satsuma::train
