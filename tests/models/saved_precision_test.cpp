// What models gain by keeping activations in bf16, and what it does to their gradients.

#include "satsuma/train/saved_precision.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/placement.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::models {

namespace {

using testing::random_tensor;

bool has_cpu() {
  const auto entries = device_entries();
  return std::any_of(entries.begin(), entries.end(),
                     [](const DeviceEntry& entry) { return entry.name == "cpu"; });
}

std::shared_ptr<nn::Module> make(const char* name, const char* precision, const char* placement = "") {
  Rng rng(3);
  auto model = find(name).create({.input = {3, 32, 32}, .width = 0.25}, rng);
  train::LayerOptions layers;
  layers.operands = train::parse_precision(precision);
  if (*placement != 0) layers.placements = {train::Placement::parse(placement)};
  train::configure_layers(*model, layers);
  return model;
}

/// Gradients of all parameters one after the other, and the most bytes that the step had in use above what
/// was in use before.
struct Step {
  std::vector<double> gradients;
  std::size_t peak = 0;
};

Step step(nn::Module& model, DType precision) {
  const Tensor images = random_tensor({64, 3, 32, 32}, 2, DType::f32).to(MemoryFormat::batch_blocked);
  const Tensor labels = Tensor::zeros({64}, DType::i64);
  for (const nn::Parameter& parameter : model.parameters()) parameter.value.set_grad({});
  const std::size_t before = memory_use().in_use;
  reset_peak_memory();
  const SavedPrecision scope(precision);
  backward(ops::cross_entropy(model(images), labels));
  Step result;
  result.peak = memory_use().peak - before;
  for (const nn::Parameter& parameter : model.parameters()) {
    const auto values = parameter.value.grad().to_vector<double>();
    result.gradients.insert(result.gradients.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace

TEST_CASE("a step keeps its activations in bf16 where all of its products are") {
  if (!has_cpu()) return;
  CHECK(train::saved_precision_of(*make("resnet20", "bf16")) == DType::bf16);
  CHECK(train::saved_precision_of(*make("resnet20", "bf16", "layer1.*=reference")) == DType::bf16);
  CHECK(train::saved_precision_of(*make("resnet20", "fp32")) == DType::f32);
  CHECK(train::saved_precision_of(*make("resnet20", "fp16")) == DType::f32);
  CHECK(train::saved_precision_of(*make("resnet20", "auto")) == DType::f32);
}

TEST_CASE("activations kept in bf16 halve the memory of a step and change its gradients little") {
  if (!has_cpu()) return;
  for (const char* const name : {"resnet20", "resnet18", "vgg19_bn", "vit_cifar"}) {
    CAPTURE(std::string(name));
    const auto model = make(name, "bf16");
    const Step whole = step(*model, DType::f32);
    const Step narrow = step(*model, DType::bf16);
    MESSAGE(name << ": peak " << static_cast<double>(narrow.peak) / static_cast<double>(whole.peak));
    CHECK(static_cast<double>(narrow.peak) < 0.65 * static_cast<double>(whole.peak));
    double difference = 0;
    double length = 0;
    for (std::size_t i = 0; i < whole.gradients.size(); ++i) {
      difference += std::pow(narrow.gradients[i] - whole.gradients[i], 2);
      length += std::pow(whole.gradients[i], 2);
    }
    const double error = std::sqrt(difference / length);
    MESSAGE(name << ": error of the gradient " << error);
    // Some twenty layers of roundings of 2^-9 that do not know each other; products of bf16 round as much.
    CHECK(error < 0.02);
    CHECK(error > 0);
    CHECK(step(*model, DType::bf16).gradients == narrow.gradients);
  }
}

}  // namespace satsuma::models
