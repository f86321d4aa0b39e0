#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/golden.hpp"
#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/placement.hpp"
#include "satsuma/train/safetensors.hpp"

// A few training steps of small networks against the same steps in PyTorch, in double precision, with masks
// made in Python: the files, their form, and how seeds were chosen are described in
// tools/crosscheck/make_golden.py, the measure of error in docs/crosscheck.md.

namespace satsuma {
namespace {

constexpr double kTolerance =
    2e-4;  // share of the distance that a tensor has travelled; TOLERANCE of make_golden.py
constexpr std::int64_t kSamples = 256;  // SAMPLES

struct Network {
  const char* name;
  double width;
  std::vector<const char*> patterns;  ///< of BDWP; the dense runs come with every network
};

const Network kNetworks[] = {
    {"resnet18", 0.125, {"2:4", "2:8"}},  {"resnet9", 0.125, {"1:4", "2:8"}},
    {"resnet20", 0.5, {"2:5", "2:8"}},    {"resnet50", 0.0625, {"2:4", "2:8"}},
    {"vgg19_bn", 0.0625, {"2:4", "2:8"}}, {"vit_cifar", 0.125, {"2:4", "2:8"}},
};

struct Run {
  std::string method;
  Pattern pattern;
  int steps;
  double lr;

  std::string prefix() const {
    return method + "_" + std::to_string(pattern.n) + "_" + std::to_string(pattern.m) + "." +
           std::to_string(steps);
  }
};

std::vector<Run> runs_of(const Network& network) {
  std::vector<Run> runs;
  const auto add = [&](const char* method, Pattern pattern) {
    runs.push_back({method, pattern, 1, 0.05});
    runs.push_back({method, pattern, 3, 5e-4});
  };
  add("dense", {1, 1});
  for (const char* pattern : network.patterns) add("bdwp", Pattern::parse(pattern));
  return runs;
}

using Tensors = std::map<std::string, Tensor>;

Tensors with_prefix(const Tensors& tensors, const std::string& prefix) {
  Tensors result;
  for (const auto& [name, value] : tensors) {
    if (name.starts_with(prefix)) result.emplace(name.substr(prefix.size()), value);
  }
  return result;
}

Tensors initial_state(const Tensors& golden) {
  Tensors state = with_prefix(golden, "init.");
  for (auto& [name, value] : state) {
    if (is_floating(value.dtype())) value = value.to(DType::f32);
  }
  return state;
}

/// Batch `step` of the file: bytes to values of unit size, exactly.
Tensor images_of(const Tensors& golden, int step) {
  const Tensor bytes = golden.at("images").slice_view(0, step, step + 1);
  std::vector<float> values = bytes.to_vector<float>();
  for (float& value : values) value = value / 64 - 2;
  const Shape& shape = bytes.shape();
  return Tensor::from(values, Shape{shape[1], shape[2], shape[3], shape[4]});
}

Tensor labels_of(const Tensors& golden, int step) {
  return Tensor::from(golden.at("labels").slice_view(0, step, step + 1).to_vector<std::int64_t>(),
                      Shape{golden.at("labels").dim(1)});
}

struct Outcome {
  std::vector<double> losses;
  Tensors state;
};

Outcome train(const Network& network, const Run& run, const Tensors& golden, const char* device) {
  const Shape& images = golden.at("images").shape();
  Rng rng(0);
  const auto model =
      models::find(network.name)
          .create({.input = {images[2], images[3], images[4]}, .classes = 10, .width = network.width}, rng);
  model->load_state(initial_state(golden));
  train::LayerOptions layers;
  layers.method = run.method;
  layers.pattern = run.pattern;
  layers.sr_ste = 0.0;
  layers.device = device;
  configure_layers(*model, layers);
  model->train();
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), model->parameters(),
                             {.momentum = 0.9, .weight_decay = 5e-4});
  Outcome outcome;
  for (int step = 0; step < run.steps; ++step) {
    optimizer.zero_grad();
    const Tensor loss = ops::cross_entropy((*model)(images_of(golden, step)), labels_of(golden, step), 0.1);
    backward(loss);
    optimizer.step(run.lr);
    outcome.losses.push_back(loss.item());
  }
  for (const nn::NamedTensor& tensor : model->state()) outcome.state.emplace(tensor.name, tensor.value);
  return outcome;
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

/// Largest error over largest distance travelled, of the elements that the file holds. What storing a weight
/// in f32 costs, half a unit in the last place a step, is no error. `least` is a distance below which none is
/// taken.
double travel_share(const Tensor& before, const Tensor& after, const Tensor& travel, int steps,
                    double least) {
  const std::vector<double> start = before.to_vector<double>();
  const std::vector<double> end = after.to_vector<double>();
  const std::vector<double> expected = travel.to_vector<double>();
  const auto stride = static_cast<std::size_t>((before.numel() / kSamples) | 1);
  REQUIRE(expected.size() == (start.size() + stride - 1) / stride);
  std::vector<double> error;
  for (std::size_t i = 0; i < expected.size(); ++i)
    error.push_back(end[i * stride] - start[i * stride] - expected[i]);
  const double storage = steps * std::ldexp(1.0, -24) * largest(end);
  return std::max(largest(error) - storage, 0.0) / std::max(largest(expected), least);
}

/// The distance of the weight if `name` is the bias of a convolution, else 0: batch normalisation behind it
/// leaves nothing of its gradient but rounding, which its own distance is no measure of.
double distance_of_weight(const std::string& name, const Tensors& start, const Tensors& travels) {
  if (!name.ends_with(".bias")) return 0;
  const std::string weight = name.substr(0, name.size() - 4) + "weight";
  return start.at(weight).rank() == 4 ? largest(travels.at(weight).to_vector<double>()) : 0;
}

void check_network(const Network& network, const char* device) {
  const auto file = std::filesystem::path(SATSUMA_GOLDEN) / (std::string(network.name) + ".safetensors");
  const Tensors golden = train::read_safetensors(file).tensors;
  const Tensors start = initial_state(golden);
  for (const Run& run : runs_of(network)) {
    CAPTURE(run.prefix());
    const Outcome outcome = train(network, run, golden, device);
    const std::vector<double> losses = golden.at(run.prefix() + ".losses").to_vector<double>();
    for (std::size_t step = 0; step < losses.size(); ++step) {
      CHECK(outcome.losses[step] == doctest::Approx(losses[step]).epsilon(1e-5));
    }
    const Tensors travels = with_prefix(golden, run.prefix() + ".travel.");
    for (const auto& entry : start) {
      const std::string& name = entry.first;
      const Tensor& before = entry.second;
      CAPTURE(name);
      const Tensor& after = outcome.state.at(name);
      if (before.dtype() == DType::i64) {
        CHECK(after.item() == run.steps);  // num_batches_tracked
      } else {
        const double least = distance_of_weight(name, start, travels);
        CHECK(travel_share(before, after, travels.at(name), run.steps, least) <= kTolerance);
      }
    }
  }
}

TEST_CASE("training steps agree with PyTorch's on the cpu device") {
  for (const Network& network : kNetworks) {
    SUBCASE(network.name) {
      check_network(network, "cpu");
    }
  }
}

TEST_CASE("training steps agree with PyTorch's on the reference device") {
  for (const Network& network : kNetworks) {
    SUBCASE(network.name) {
      check_network(network, "reference");
    }
  }
}

}  // namespace
}  // namespace satsuma
