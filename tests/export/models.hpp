#pragma once

#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/train/placement.hpp"

namespace satsuma::testing {

/// A model to export: its name in the registry, stem, image and method.
struct ExportCase {
  std::string model;
  models::Stem stem = models::Stem::cifar;
  Shape input = {3, 32, 32};
  double width = 0.25;
  std::string method = "dense";
  std::string pattern = "2:8";

  std::string name() const {
    const std::string image = fmt::format("{}-{}-{}", model, models::to_string(stem), input[1]);
    return method == "dense" ? image : fmt::format("{}-{}-{}", image, method, Pattern::parse(pattern).m);
  }
};

/// Every model of the registry dense and pruned; stems for 224 pixels at sizes where their pooling adapts.
inline std::vector<ExportCase> export_cases() {
  std::vector<ExportCase> cases;
  for (const models::Entry& entry : models::entries()) {
    const std::string name(entry.name);
    cases.push_back({.model = name});
    cases.push_back({.model = name, .method = "bdwp", .pattern = "2:8"});
  }
  cases.push_back({.model = "resnet18", .stem = models::Stem::imagenet, .input = {1, 64, 48}});
  cases.push_back(
      {.model = "vgg19_bn", .stem = models::Stem::imagenet, .input = {3, 288, 32}, .width = 0.125});
  cases.push_back({.model = "vit_cifar",
                   .stem = models::Stem::imagenet,
                   .input = {3, 48, 32},
                   .method = "bdwp",
                   .pattern = "2:4"});
  return cases;
}

/// The model with weights, running statistics and positions that are drawn from a seed, so that no term of a
/// node is zero or one.
inline std::shared_ptr<nn::Module> make_model(const ExportCase& which) {
  Rng rng(7);
  models::Options options;
  options.stem = which.stem;
  options.input = which.input;
  options.width = which.width;
  std::shared_ptr<nn::Module> model = models::find(which.model).create(options, rng);
  for (const nn::NamedTensor& tensor : model->state()) {
    if (!is_floating(tensor.value.dtype()) || tensor.value.rank() != 1) continue;
    Tensor value = tensor.value;
    std::vector<float> drawn = value.to_vector<float>();
    for (float& number : drawn) number += 0.2f * rng.uniform();
    value.copy_from(Tensor::from(drawn, value.shape()));
  }
  train::LayerOptions layers;
  layers.pattern = Pattern::parse(which.pattern);
  layers.set_method(which.method);
  train::configure_layers(*model, layers);
  model->train(false);
  return model;
}

}  // namespace satsuma::testing
