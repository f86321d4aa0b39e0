#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "models/golden.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/placement.hpp"
#include "satsuma/train/safetensors.hpp"

// Three training steps of a small network under every method against the same steps in plain Python, in
// double precision: tools/crosscheck/method_steps.py says what the file holds and how its seed was chosen.

namespace satsuma {
namespace {

/// Share of the distance that a tensor has travelled, as in crosscheck_test.cpp. Single precision leaves some
/// 1e-6 of it; a mask that differs in one element, a tenth.
constexpr double kTolerance = 1e-4;

/// LAYERS of method_steps.py.
class SmallNetwork : public nn::Module {
 public:
  explicit SmallNetwork(Rng& rng)
      : conv1_(add(
            "conv1",
            std::make_shared<nn::Conv2d>(
                Geometry{.in_channels = 2, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}}, rng))),
        conv2_(add("conv2", std::make_shared<nn::Conv2d>(Geometry{.in_channels = 8,
                                                                  .out_channels = 16,
                                                                  .kernel = {3, 3},
                                                                  .stride = {2, 2},
                                                                  .padding = {1, 1}},
                                                         rng, true))),
        conv3_(
            add("conv3", std::make_shared<nn::Conv2d>(Geometry{.in_channels = 16, .out_channels = 12}, rng))),
        fc_(add("fc", std::make_shared<nn::Linear>(12, 10, rng))) {
    conv1_->contraction()->keep_dense("the first convolution");
    conv1_->contraction()->read_data();
  }

  Tensor forward(const Tensor& images) override {
    Tensor x = images;
    for (const auto& layer : {conv1_, conv2_, conv3_}) x = ops::relu((*layer)(x));
    const Tensor pooled = ops::adaptive_average_pool(x, 1, 1);
    return (*fc_)(ops::flatten(pooled));
  }

 private:
  std::shared_ptr<nn::Conv2d> conv1_, conv2_, conv3_;
  std::shared_ptr<nn::Linear> fc_;
};

/// RUNS of method_steps.py.
struct Run {
  const char* name;
  const char* method;
  std::optional<OperandKind> bp_weight = {};
  std::optional<double> sr_ste = {};
};

const Run kRuns[] = {
    {"dense", "dense"},
    {"sr-ste-masked", "sr-ste", OperandKind::masked, 0.03},
    {"sr-ste-packed", "sr-ste", OperandKind::packed, 0.03},
    {"sdgp", "sdgp"},
    {"sdwp", "sdwp"},
    {"bdwp", "bdwp"},
};

using Tensors = std::map<std::string, Tensor>;

/// Item `step` of [steps, ...].
Tensor of_step(const Tensor& all, std::int64_t step) {
  const Tensor one = all.slice_view(0, step, step + 1);
  return one.reshape_view(all.rank() == 2 ? Shape{all.dim(1)}
                                          : Shape{all.dim(1), all.dim(2), all.dim(3), all.dim(4)});
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

/// Largest error over largest distance travelled; half a unit in the last place a step, which storing a
/// weight in f32 costs, is no error.
double travel_share(const Tensor& start, const Tensor& got, const Tensor& expected, std::int64_t steps) {
  const auto from = start.to_vector<double>(), end = got.to_vector<double>(),
             truth = expected.to_vector<double>();
  REQUIRE(end.size() == truth.size());
  std::vector<double> error, travelled;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    error.push_back(end[i] - truth[i]);
    travelled.push_back(truth[i] - from[i]);
  }
  const double storage = static_cast<double>(steps) * std::ldexp(1.0, -24) * largest(end);
  return std::max(largest(error) - storage, 0.0) / largest(travelled);
}

void check_run(const Run& run, Pattern pattern, const char* device, const Tensors& golden) {
  Rng rng(0);
  SmallNetwork model(rng);
  Tensors start;
  for (const nn::Parameter& parameter : model.parameters())
    start.emplace(parameter.name, golden.at("init." + parameter.name));
  model.load_state(start);
  train::LayerOptions layers;
  layers.method = run.method;
  layers.pattern = pattern;
  layers.bp_weight = run.bp_weight;
  layers.sr_ste = run.sr_ste;
  layers.device = device;
  layers.strict = true;
  train::configure_layers(model, layers);
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), model.parameters(),
                             {.momentum = 0.9, .weight_decay = 5e-4});
  const std::string prefix = std::string(run.name) + "." + to_string(pattern) + ".";
  CAPTURE(prefix);
  const auto losses = golden.at(prefix + "losses").to_vector<double>();
  const auto steps = static_cast<std::int64_t>(losses.size());
  REQUIRE(steps == 3);
  for (std::int64_t step = 0; step < steps; ++step) {
    optimizer.zero_grad();
    const Tensor logits = model(of_step(golden.at("images"), step));
    const Tensor loss = ops::cross_entropy(logits, of_step(golden.at("labels"), step), 0.1);
    backward(loss);
    optimizer.step(0.05);
    // Single precision leaves 1e-7 of a loss near 2.5.
    CHECK(loss.item() == doctest::Approx(losses[static_cast<std::size_t>(step)]).epsilon(2e-6));
  }
  for (const nn::Parameter& parameter : model.parameters()) {
    CAPTURE(parameter.name);
    CHECK(travel_share(start.at(parameter.name), parameter.value, golden.at(prefix + parameter.name),
                       steps) <= kTolerance);
  }
}

}  // namespace

TEST_CASE("three training steps of every method agree with plain Python's") {
  const Tensors golden =
      train::read_safetensors(std::filesystem::path(SATSUMA_GOLDEN) / "method_steps.safetensors").tensors;
  for (const char* device : {"cpu", "reference"}) {
    CAPTURE(device);
    for (const Run& run : kRuns) {
      for (const Pattern pattern : {Pattern{2, 4}, Pattern{2, 8}}) check_run(run, pattern, device, golden);
    }
  }
}

}  // namespace satsuma
