#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "optim/golden.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/safetensors.hpp"

// Twenty steps of each optimiser, computed by PyTorch in double: tools/crosscheck/make_optimizers.py.

namespace satsuma::optim {

namespace {

struct Case {
  const char* name;
  const char* optimizer;
  double momentum = 0;
  bool nesterov = false;
  bool decay_norms = false;
};

constexpr Case kCases[] = {{"sgd", "sgd"},   {"momentum", "sgd", 0.9}, {"nesterov", "sgd", 0.9, true},
                           {"adam", "adam"}, {"adamw", "adamw"},       {"adamw_all", "adamw", 0, false, true},
                           {"lamb", "lamb"}};

using Tensors = std::map<std::string, Tensor>;

/// Weight and bias after the steps, in `dtype` on `device`.
Tensors run(const Tensors& golden, const Case& c, DType dtype, const char* device) {
  const Tensor start = golden.at("weight").to(dtype);
  const auto layer = std::make_shared<Contraction>(
      "layer", Geometry{.in_channels = start.dim(1), .out_channels = start.dim(0)},
      start.reshape_view({start.dim(0), start.dim(1), 1, 1}).clone());
  layer->configure({.device = find_device(device)});
  Tensor weight = layer->weight(), bias = golden.at("bias").to(dtype).clone();
  for (Tensor* const parameter : {&weight, &bias}) parameter->set_requires_grad();
  Optimizer optimizer(find_optimizer(c.optimizer), {{"weight", weight, layer}, {"bias", bias, nullptr}},
                      {.momentum = c.momentum,
                       .nesterov = c.nesterov,
                       .beta1 = 0.8,
                       .beta2 = 0.95,
                       .epsilon = 1e-3,
                       .weight_decay = 0.1,
                       .decay_norms = c.decay_norms});
  for (std::int64_t step = 0; step < golden.at("grad.bias").dim(0); ++step) {
    const auto grad = [&](const char* name, const Shape& shape) {
      return golden.at(name).slice_view(0, step, step + 1).to(dtype).reshape_view(shape);
    };
    weight.set_grad(grad("grad.weight", weight.shape()));
    bias.set_grad(grad("grad.bias", bias.shape()));
    optimizer.step(0.05);
  }
  return {{"weight", weight}, {"bias", bias}};
}

double largest_error(const Tensor& got, const Tensor& expected) {
  const auto a = got.to_vector<double>(), b = expected.to_vector<double>();
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("every optimiser takes PyTorch's twenty steps") {
  const Tensors golden = train::read_safetensors(SATSUMA_GOLDEN "/optimizers.safetensors").tensors;
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    // Weights stay below 16 in size. In f64 what differs is the order of a handful of operations a step; in
    // f32 each step rounds the weight, half a unit of 16 * 2^-24, and the direction, some units of it.
    const struct {
      DType dtype;
      const char* device;
      double tolerance;
    } runs[] = {{DType::f64, "reference", 1e-13}, {DType::f32, "reference", 2e-5}, {DType::f32, "cpu", 2e-5}};
    for (const auto& each : runs) {
      CAPTURE(std::string(each.device));
      const Tensors after = run(golden, c, each.dtype, each.device);
      for (const char* const name : {"weight", "bias"}) {
        const double error = largest_error(after.at(name), golden.at(std::string(c.name) + "." + name));
        CHECK_MESSAGE(error <= each.tolerance, std::string(name));
      }
    }
  }
}

}  // namespace satsuma::optim
