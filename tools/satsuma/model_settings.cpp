#include "tools/satsuma/model_settings.hpp"

#include <fmt/core.h>
#include <cstdint>

#include "satsuma/core/error.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::tools {

void ModelSettings::add_to(const Command& command) {
  command.add_option("--model", model, "model; `satsuma models` lists them").required();
  command.add_option(
      "--input", input,
      "image as CHANNELSxHEIGHTxWIDTH [3x32x32, or 3x224x224 with --stem imagenet and for *_224]");
  command.add_option("--stem", stem, "first layers: cifar or imagenet").show_default();
  command.add_option("--classes", classes, "outputs of the model").show_default();
  command.add_option("--width", width, "factor on the number of channels").show_default();
}

models::Options ModelSettings::options() const {
  // The recipe of a training run has the same settings and says what is wrong with them.
  train::Recipe recipe;
  train::find_recipe_field("width").set(recipe, fmt::format("{}", width));
  if (classes < 1 || classes > 1'000'000) {
    throw UsageError(fmt::format("--classes got {}, expected a whole number from 1 to 1000000", classes));
  }
  models::Options options;
  options.stem = models::parse_stem(stem);
  const std::int64_t pixels = models::find(model).image_size(options.stem);
  recipe.input = !input.empty() ? input : fmt::format("3x{}x{}", pixels, pixels);
  options.input = recipe.input_shape();
  options.classes = classes;
  options.width = width;
  options.recompute = recompute;
  return options;
}

std::shared_ptr<nn::Module> ModelSettings::create() const {
  Rng rng(0);
  return models::find(model).create(options(), rng);
}

std::shared_ptr<nn::Module> ModelSettings::create_shapes() const {
  const NoStorage shapes_only;
  return create();
}

}  // namespace satsuma::tools
