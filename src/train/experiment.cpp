#include "satsuma/train/experiment.hpp"

#include <utility>

#include "datasets/registry.hpp"
#include "models/registry.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/data/subset.hpp"

namespace satsuma::train {

ExperimentData load_data(const Recipe& recipe) {
  const datasets::Entry& entry = datasets::find(recipe.data);
  datasets::Options options;
  options.directory = recipe.data_dir;
  options.input = recipe.input_shape();
  options.classes = recipe.classes;
  options.seed = static_cast<std::uint64_t>(recipe.seed);
  datasets::Splits splits = entry.load(options);

  ExperimentData data;
  data.normalisation = entry.normalisation;
  const Shape image = splits.train->image_shape();
  const std::int64_t pad = 2 * entry.normalisation.pad;
  data.input = {image[0], image[1] + pad, image[2] + pad};
  data.classes = splits.train->classes();
  data.class_names = splits.train->class_names();
  data.train = std::move(splits.train);
  if (recipe.limit_train) data.train = data::first_images(data.train, *recipe.limit_train);
  data.validation = std::move(splits.validation);
  data.test = std::move(splits.test);
  return data;
}

std::shared_ptr<nn::Module> make_model(const Recipe& recipe, const Shape& input, std::int64_t classes) {
  models::Options options;
  options.input = input;
  options.classes = classes;
  options.stem = models::parse_stem(recipe.stem);
  options.width = recipe.width;
  Rng rng(static_cast<std::uint64_t>(recipe.seed));
  std::shared_ptr<nn::Module> model = models::find(recipe.model).create(options, rng);
  configure_layers(*model, recipe.layer_options());
  return model;
}

}  // namespace satsuma::train
