#include "satsuma/train/experiment.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "datasets/folder.hpp"
#include "datasets/registry.hpp"
#include "models/registry.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/split.hpp"
#include "satsuma/data/subset.hpp"
#include "satsuma/train/fine_tuning.hpp"

namespace satsuma::train {

namespace {

bool is_name(const std::string& data) {
  const auto known = datasets::entries();
  return std::any_of(known.begin(), known.end(),
                     [&](const datasets::Entry& entry) { return entry.name == data; });
}

datasets::Splits open(const Recipe& recipe) {
  datasets::Options options;
  options.directory = recipe.data_dir;
  options.input = recipe.input_shape();
  options.classes = recipe.classes;
  options.seed = static_cast<std::uint64_t>(recipe.seed);
  if (!is_path(recipe.data)) return datasets::find(recipe.data).load(options);
  return datasets::open_folder(recipe.data, options);
}

/// Labels of two parts have to mean the same.
void check_classes(const data::Dataset& train, const std::shared_ptr<const data::Dataset>& part,
                   const char* what) {
  if (!part) return;
  data::require_same_classes(train.class_names(), "the training images", part->class_names(), what);
  if (part->classes() == train.classes()) return;
  throw FormatError(fmt::format("the training images have {} classes, but {} have {}", train.classes(), what,
                                part->classes()));
}

/// Side of the images that the model is made for.
std::int64_t side_of_model(const Recipe& recipe) {
  return models::find(recipe.model).image_size(models::parse_stem(recipe.stem));
}

/// Side that images are brought to, or 0 where they stay as they are.
std::int64_t side_of(const Recipe& recipe, const Shape& image) {
  const bool differ = image.numel() == 0;
  std::int64_t side = recipe.image_size.value_or(differ ? side_of_model(recipe) : 0);
  if (is_path(recipe.data) && !recipe.input.empty()) {
    const Shape input = recipe.input_shape();
    if (input[1] != input[2] || recipe.image_size.value_or(input[1]) != input[1]) {
      throw UsageError(
          fmt::format("--input got {}, expected height and width of {}", recipe.input,
                      recipe.image_size ? fmt::format("--image-size {}", side) : "the same length"));
    }
    side = input[1];
  }
  return image[1] == side && image[2] == side ? 0 : side;
}

/// The share of the training images that is kept for validation.
double share_of(const Recipe& recipe, const datasets::Splits& splits) {
  if (!splits.validation) return recipe.val_share.value_or(0.1);
  if (recipe.val_share.value_or(0) > 0) {
    throw UsageError(
        fmt::format("--val-share got {}, but {} has {} validation images of its own; leave it out",
                    *recipe.val_share, recipe.data, splits.validation->size()));
  }
  return 0;
}

}  // namespace

bool is_path(const std::string& data) {
  if (data.find('/') != std::string::npos) return true;
  std::error_code ignored;
  return !is_name(data) && std::filesystem::exists(data, ignored);
}

data::Normalisation normalisation_of(const Recipe& recipe, std::int64_t channels) {
  if (!is_path(recipe.data)) return datasets::find(recipe.data).normalisation;
  if (channels == 1) return {{0.449}, {0.226}, 0};
  return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 0};
}

ExperimentData load_data(const Recipe& recipe) {
  datasets::Splits splits = open(recipe);
  check_classes(*splits.train, splits.validation, "the validation images");
  check_classes(*splits.train, splits.test, "the test images");

  ExperimentData data;
  const Shape image = splits.train->image_shape();
  data.normalisation = normalisation_of(recipe, image[0]);
  const std::int64_t pad = 2 * data.normalisation.pad;
  const std::int64_t side = side_of(recipe, image);
  if (side > 0) {
    // Images of one size are all picture; of others the border is left out, as torchvision does.
    const std::int64_t resize = recipe.resize.value_or(image.numel() > 0 ? side : side * 256 / 224);
    data.train_frame = {resize, side};
    data.frame = {resize, recipe.crop.value_or(side)};
    data.input = {image[0], side + pad, side + pad};
  } else {
    data.frame = {recipe.resize.value_or(0), recipe.crop.value_or(0)};
    data.input = {image[0], image[1] + pad, image[2] + pad};
  }
  data.classes = splits.train->classes();
  data.class_names = splits.train->class_names();
  data.val_share = share_of(recipe, splits);
  data.train = std::move(splits.train);
  if (!recipe.val_share || *recipe.val_share > 0) data.validation = std::move(splits.validation);
  if (data.val_share > 0) {
    auto [train, validation] =
        data::split_for_validation(data.train, data.val_share, static_cast<std::uint64_t>(recipe.seed));
    data.train = std::move(train);
    data.validation = std::move(validation);
  }
  if (recipe.limit_train) data.train = data::first_images(data.train, *recipe.limit_train);
  data.test = std::move(splits.test);
  return data;
}

void fill_sizes(Recipe& recipe, const ExperimentData& data) {
  if (!data.validation || data.val_share > 0) recipe.val_share = data.val_share;
  if (data.train_frame.crop == 0) return;
  recipe.image_size = data.train_frame.crop;
  recipe.resize = data.frame.resize;
  recipe.crop = data.frame.crop;
}

std::shared_ptr<nn::Module> make_model(const Recipe& recipe, const Shape& input, std::int64_t classes) {
  models::Options options;
  options.input = input;
  options.classes = classes;
  options.stem = models::parse_stem(recipe.stem);
  options.width = recipe.width;
  options.drop_path = recipe.drop_path;
  options.dropout = recipe.dropout;
  options.recompute = recipe.recompute;
  Rng rng(static_cast<std::uint64_t>(recipe.seed));
  std::shared_ptr<nn::Module> model = models::find(recipe.model).create(options, rng);
  configure_layers(*model, recipe.layer_options());
  if (!recipe.freeze.empty()) freeze(*model, recipe.freeze);
  return model;
}

}  // namespace satsuma::train
