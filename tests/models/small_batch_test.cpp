// Small batches run in another format and through other kernels than large ones. Images do not know each
// other in evaluation, so that a batch of a few must give what they give among many; and training on a few is
// held against the reference device.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/placement.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::models {

namespace {

using testing::random_tensor;

std::shared_ptr<nn::Module> make(const char* name, const char* method, const char* device) {
  Rng rng(3);
  auto model = find(name).create({.width = 0.125}, rng);
  train::LayerOptions layers;
  layers.method = method;
  layers.pattern = {2, 8};
  layers.device = device;
  train::configure_layers(*model, layers);
  return model;
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

double distance(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  REQUIRE(x.size() == y.size());
  double result = 0;
  for (std::size_t i = 0; i < x.size(); ++i) result = std::max(result, std::abs(x[i] - y[i]));
  return result;
}

bool has_cpu() {
  const auto entries = device_entries();
  return std::any_of(entries.begin(), entries.end(),
                     [](const DeviceEntry& entry) { return entry.name == "cpu"; });
}

constexpr const char* kModels[] = {"resnet18", "vgg19_bn", "vit_cifar"};
constexpr const char* kMethods[] = {"dense", "bdwp"};

}  // namespace

TEST_CASE("an image gives the same in a small batch as in a large one") {
  if (!has_cpu()) return;
  const Tensor images = random_tensor({16, 3, 32, 32}, 1, DType::f32);
  const NoGrad no_grad;
  for (const char* const name : kModels) {
    for (const char* const method : kMethods) {
      const auto model = make(name, method, "cpu");
      model->train(false);
      const Tensor expected = (*model)(images).to(MemoryFormat::row_major);
      // Sums of a few hundred terms in another order, through some twenty layers: about 1e-6 each.
      const double tolerance = 2e-4 * largest(expected.to_vector<double>());
      for (const std::int64_t batch : {1, 2, 3, 5, 15}) {
        CAPTURE(std::string(name));
        CAPTURE(std::string(method));
        CAPTURE(batch);
        const Tensor few = images.slice_view(0, 0, batch);
        const Tensor y = (*model)(few);
        CHECK(distance(y, expected.slice_view(0, 0, batch)) < tolerance);
        CHECK(y.to_vector<float>() == (*model)(few).to_vector<float>());
      }
    }
  }
}

TEST_CASE("training on few images has the gradients of the reference device") {
  if (!has_cpu()) return;
  for (const char* const name : {"resnet9", "vit_cifar"}) {
    for (const char* const method : kMethods) {
      for (const std::int64_t batch : {1, 3, 17}) {
        CAPTURE(std::string(name));
        CAPTURE(std::string(method));
        CAPTURE(batch);
        const Tensor images = random_tensor({batch, 3, 16, 16}, 2, DType::f32);
        const Tensor labels = Tensor::zeros({batch}, DType::i64);
        std::vector<std::vector<Tensor>> grads;
        for (const char* const device : {"cpu", "reference"}) {
          Rng rng(3);
          auto model = find(name).create({.input = {3, 16, 16}, .width = 0.125}, rng);
          train::LayerOptions layers;
          layers.method = method;
          layers.pattern = {2, 8};
          layers.device = device;
          train::configure_layers(*model, layers);
          backward(ops::cross_entropy((*model)(images), labels));
          grads.emplace_back();
          for (const nn::Parameter& parameter : model->parameters())
            grads.back().push_back(parameter.value.grad());
        }
        double scale = 0;
        for (const Tensor& grad : grads[1]) scale = std::max(scale, largest(grad.to_vector<double>()));
        // One tolerance for all: gradients in front of a normalisation are differences that nearly vanish.
        for (std::size_t i = 0; i < grads[0].size(); ++i)
          CHECK(distance(grads[0][i], grads[1][i]) < 1e-3 * scale);
      }
    }
  }
}

}  // namespace satsuma::models
