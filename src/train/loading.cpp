#include "satsuma/train/loading.hpp"

#include <algorithm>

#include "satsuma/core/parallel.hpp"

namespace satsuma::train {

namespace {

constexpr int kLeastPrefetch = 4;

/// Pictures take longer to decode than to copy, and every one as long as it is large.
void set_workers(data::LoaderOptions& options, const Recipe& recipe, const ExperimentData& data) {
  const bool pictures = data.train->image_shape().numel() == 0;
  options.threads = recipe.workers ? static_cast<int>(*recipe.workers) : pictures ? threads() : 1;
  options.prefetch = std::max(kLeastPrefetch, options.threads + 1);
}

}  // namespace

data::LoaderOptions training_options(const Recipe& recipe, const ExperimentData& data) {
  data::LoaderOptions options;
  options.batch_size = recipe.batch_size;
  options.shuffle = recipe.shuffle;
  options.augment = data::parse_augment(recipe.augment);
  options.resize = data.train_frame.resize;
  options.crop = data.train_frame.crop;
  options.seed = static_cast<std::uint64_t>(recipe.seed);
  if (recipe.skip_bad_images) options.bad = data::BadImages::replace;
  set_workers(options, recipe, data);
  return options;
}

data::LoaderOptions evaluation_options(const Recipe& recipe, const ExperimentData& data) {
  data::LoaderOptions options;
  options.batch_size = recipe.batch_size;
  options.shuffle = false;
  options.drop_last = false;
  options.resize = data.frame.resize;
  options.crop = data.frame.crop;
  if (recipe.skip_bad_images) options.bad = data::BadImages::leave_out;
  set_workers(options, recipe, data);
  return options;
}

data::Preprocess preprocess_of(const Recipe& recipe, const Shape& input) {
  const data::Normalisation normalisation = normalisation_of(recipe, input[0]);
  const std::int64_t pad = 2 * normalisation.pad;
  const Shape own = {input[0], input[1] - pad, input[2] - pad};
  return {recipe.image_size ? Shape{input[0], 0, 0} : own, normalisation, recipe.resize.value_or(0),
          recipe.crop.value_or(0)};
}

}  // namespace satsuma::train
