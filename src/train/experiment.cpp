#include "satsuma/train/experiment.hpp"

#include <algorithm>
#include <utility>

#include "datasets/registry.hpp"
#include "models/registry.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/train/fine_tuning.hpp"

namespace satsuma::train {

namespace {

/// The first images of a data set.
class FirstImages final : public data::Dataset {
 public:
  FirstImages(std::shared_ptr<const data::Dataset> whole, std::int64_t count)
      : whole_(std::move(whole)), count_(std::min(count, whole_->size())) {}

  std::int64_t size() const override { return count_; }
  Shape image_shape() const override { return whole_->image_shape(); }
  std::int64_t classes() const override { return whole_->classes(); }
  std::int64_t label(std::int64_t index) const override { return whole_->label(index); }
  void read(std::int64_t index, std::span<std::uint8_t> image) const override { whole_->read(index, image); }

 private:
  std::shared_ptr<const data::Dataset> whole_;
  std::int64_t count_;
};

}  // namespace

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
  data.train = std::move(splits.train);
  if (recipe.limit_train) data.train = std::make_shared<FirstImages>(data.train, *recipe.limit_train);
  data.test = std::move(splits.test);
  return data;
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
