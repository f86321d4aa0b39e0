#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/golden.hpp"
#include "models/registry.hpp"
#include "models/vit.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/train/fine_tuning.hpp"
#include "satsuma/train/fit_weights.hpp"
#include "satsuma/train/safetensors.hpp"

// Weights and outputs of timm's and torchvision's models, by tools/crosscheck/make_pretrained.py.

namespace satsuma {
namespace {

using Tensors = std::map<std::string, Tensor>;

Tensors golden() {
  return train::read_safetensors(SATSUMA_GOLDEN "/pretrained.safetensors").tensors;
}

/// max |a - b| / max |b|.
double error(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.shape() == expected.shape());
  const auto a = got.to_vector<double>(), b = expected.to_vector<double>();
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(b[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

/// A file of theirs, its names under `prefix`.
train::Checkpoint file_of(const Tensors& all, const std::string& model, const std::string& prefix) {
  train::Checkpoint checkpoint;
  checkpoint.path = "theirs.safetensors";
  const std::string in_file = model + ".state.";
  for (const auto& [name, value] : all) {
    if (name.starts_with(in_file)) checkpoint.model.emplace(prefix + name.substr(in_file.size()), value);
  }
  return checkpoint;
}

Tensor logits(nn::Module& model, const Tensor& images) {
  model.train(false);
  const NoGrad no_grad;
  return model(images.to(DType::f32).to(MemoryFormat::batch_blocked));
}

}  // namespace

TEST_CASE("models with timm's and torchvision's weights make of an image what theirs do") {
  const Tensors all = golden();
  struct Case {
    const char* file;
    const char* images;
    const char* model;
    double width;
    std::size_t notes;
  };
  const Case cases[] = {{"vit", "vit", "vit_tiny_patch16_224", 0.125, 0},
                        {"vit", "vit.wide", "vit_tiny_patch16_224", 0.125, 1},
                        {"vgg11", "vgg11", "vgg11", 0.0625, 0}};
  for (const Case& c : cases) {
    for (const std::string prefix : {"", "module.", "state_dict.model."}) {
      CAPTURE(c.images);
      CAPTURE(prefix);
      const Tensor images = all.at(std::string(c.images) + ".images");
      Rng rng(1);
      const auto model = models::find(c.model).create(
          {.input = {3, images.dim(2), images.dim(3)}, .classes = 5, .width = c.width}, rng);
      train::Checkpoint file = file_of(all, c.file, prefix);
      const std::vector<std::string> notes = train::fit_weights(file, *model, false);
      CHECK(notes.size() == c.notes + (prefix.empty() ? 0 : 1));
      if (c.notes > 0)
        CHECK(notes.back() == "'pos_embed' [1, 17, 24] is resampled to [1, 13, 24] for this resolution");
      CHECK(train::restore(file, *model).empty());
      // Single precision through twelve blocks; 1e-4 is what is promised, 3e-6 what is seen.
      CHECK(error(logits(*model, images), all.at(std::string(c.images) + ".logits")) < 2e-5);
    }
  }
}

TEST_CASE("positions are resampled as timm does") {
  const Tensors all = golden();
  for (const auto& [height, width] : {std::pair{6, 2}, {3, 3}, {7, 5}, {2, 4}}) {
    const Tensor ours = models::resample_positions(all.at("positions.from"), height, width);
    // Sums of up to 16 products in f32 on their side.
    CHECK(error(ours, all.at("positions." + std::to_string(height) + "x" + std::to_string(width))) < 1e-6);
  }
  CHECK_FALSE(models::resample_positions(Tensor::zeros({1, 13, 8}), 4, 4).defined());
  CHECK_FALSE(models::resample_positions(Tensor::zeros({17, 8}), 4, 4).defined());
}

TEST_CASE("layer-wise decay is timm's") {
  const std::vector<double> expected = golden().at("layer_decay").to_vector<double>();
  const NoStorage shapes_only;
  Rng rng(1);
  const auto model = models::find("vit_tiny_patch16_224").create({.classes = 5, .width = 0.125}, rng);
  const std::vector<nn::Parameter> parameters = model->parameters();
  const std::vector<double> ours = train::lr_factors(parameters, {}, 0.75);
  REQUIRE(ours.size() == expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(parameters[i].name);
    CHECK(ours[i] == doctest::Approx(expected[i]).epsilon(1e-12));
  }
}

}  // namespace satsuma
