#pragma once

#include <memory>

#include "satsuma/data/loader.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// How a recipe's training images are loaded.
inline data::LoaderOptions training_options(const Recipe& recipe) {
  data::LoaderOptions options;
  options.batch_size = recipe.batch_size;
  options.shuffle = recipe.shuffle;
  options.augment = data::parse_augment(recipe.augment);
  options.seed = static_cast<std::uint64_t>(recipe.seed);
  return options;
}

/// Loads all of `images` in their order.
inline std::unique_ptr<data::Loader> evaluation_loader(const Recipe& recipe, const ExperimentData& data,
                                                       std::shared_ptr<const data::Dataset> images) {
  data::LoaderOptions options;
  options.batch_size = recipe.batch_size;
  options.shuffle = false;
  options.drop_last = false;
  return std::make_unique<data::Loader>(std::move(images), data.normalisation, options);
}

}  // namespace satsuma::train
