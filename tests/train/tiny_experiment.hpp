#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "satsuma/data/memory_dataset.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/fine_tuning.hpp"

namespace satsuma::testing {

/// A network with everything that a checkpoint has to keep: weights, running statistics, a random generator.
class TinyNet : public nn::Module {
 public:
  explicit TinyNet(std::uint64_t seed) {
    Rng rng(seed);
    Geometry geometry{.in_channels = 2, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}};
    conv1_ = add("conv1", std::make_shared<nn::Conv2d>(geometry, rng));
    bn1_ = add("bn1", std::make_shared<nn::BatchNorm2d>(8));
    geometry.in_channels = 8;
    conv2_ = add("conv2", std::make_shared<nn::Conv2d>(geometry, rng, true));
    dropout_ = add("dropout", std::make_shared<nn::Dropout>(0.3, std::make_shared<Rng>(seed, 7)));
    fc_ = add("fc", std::make_shared<nn::Linear>(8, 3, rng));
    conv1_->contraction()->keep_dense("first convolution");
    conv1_->contraction()->read_data();
  }

  Tensor forward(const Tensor& x) override {
    Tensor y = bn1_->relu((*conv1_)(x));
    y = (*dropout_)((*conv2_)(y));
    return (*fc_)(ops::flatten(ops::adaptive_average_pool(y, 1, 1)));
  }

 private:
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm2d> bn1_;
  std::shared_ptr<nn::Conv2d> conv2_;
  std::shared_ptr<nn::Dropout> dropout_;
  std::shared_ptr<nn::Linear> fc_;
};

/// Images of 2 x 6 x 6 whose brightness tells the class.
inline std::shared_ptr<const data::Dataset> tiny_images(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::uint8_t> images;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int64_t>(rng.below(3)));
    for (int j = 0; j < 2 * 6 * 6; ++j) {
      images.push_back(
          static_cast<std::uint8_t>(60 * labels.back() + static_cast<std::int64_t>(rng.below(60))));
    }
  }
  return std::make_shared<data::MemoryDataset>(Shape{2, 6, 6}, 3, std::move(images), std::move(labels));
}

inline train::ExperimentData tiny_data() {
  train::ExperimentData data;
  data.train = tiny_images(50, 1);
  data.test = tiny_images(21, 2);
  data.normalisation = {{0.5, 0.5}, {0.25, 0.25}, 0};
  data.input = {2, 6, 6};
  data.classes = 3;
  return data;
}

/// Five steps an epoch of BDWP, with all that draws random numbers.
inline train::Recipe tiny_recipe() {
  train::Recipe recipe;
  recipe.method = "bdwp";
  recipe.nm = "2:4";
  recipe.device = "reference";
  recipe.batch_size = 10;
  recipe.epochs = 3;
  recipe.log_every = 4;
  return recipe;
}

inline std::shared_ptr<nn::Module> tiny_model(const train::Recipe& recipe) {
  auto model = std::make_shared<TinyNet>(static_cast<std::uint64_t>(recipe.seed));
  train::configure_layers(*model, recipe.layer_options());
  if (!recipe.freeze.empty()) train::freeze(*model, recipe.freeze);
  return model;
}

}  // namespace satsuma::testing
