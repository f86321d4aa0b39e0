#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "optim/golden.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"
#include "satsuma/train/ema.hpp"
#include "satsuma/train/safetensors.hpp"
#include "src/train/step.hpp"

// Ten steps of a small network with clipping, averages, weights of classes and soft targets, computed by
// PyTorch in double on the whole batch, and here in three parts: tools/crosscheck/make_training.py.

namespace satsuma::train {

namespace {

using Tensors = std::map<std::string, Tensor>;

class Net : public nn::Module {
 public:
  explicit Net(Rng& rng) {
    const Geometry geometry{.in_channels = 2, .out_channels = 6, .kernel = {3, 3}, .padding = {1, 1}};
    conv1_ = add("conv1", std::make_shared<nn::Conv2d>(geometry, rng));
    fc_ = add("fc", std::make_shared<nn::Linear>(6, 4, rng));
  }
  Tensor forward(const Tensor& x) override {
    return (*fc_)(ops::flatten(ops::adaptive_average_pool(ops::relu((*conv1_)(x)), 1, 1)));
  }

 private:
  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::Linear> fc_;
};

struct Case {
  const char* name;
  const char* clip;
  double smoothing = 0;
  bool weighted = false;
  bool soft = false;
  const char* optimizer = "adamw";
};

constexpr Case kCases[] = {{"norm", "norm:0.3"},
                           {"value", "value:0.02", 0.1},
                           {"agc", "agc:0.02"},
                           {"agc_sgd", "agc:0.02", 0, false, false, "sgd"},
                           {"norm_sgd", "norm:0.3", 0, false, false, "sgd"},
                           {"weighted", "norm:0.3", 0.1, true},
                           {"soft", "norm:0.3", 0.1, false, true}};

/// Images from `begin` to `end` of a step's batch.
data::Batch part_of(const Tensors& golden, std::int64_t step, std::int64_t begin, std::int64_t end,
                    bool soft) {
  const auto part = [&](const char* name) {
    const Tensor all = golden.at(name).slice_view(0, step, step + 1).slice_view(1, begin, end).clone();
    Shape shape = {end - begin};
    for (int axis = 2; axis < all.rank(); ++axis) shape.push_back(all.dim(axis));
    return all.to(MemoryFormat::row_major).reshape_view(shape);
  };
  data::Batch batch{part("images").to(MemoryFormat::batch_blocked), part("labels"), {}, {}};
  if (soft) batch.targets = part("targets");
  return batch;
}

struct Run {
  Tensors weights;
  Tensors averages;
};

Run run(const Tensors& golden, const Case& c, const std::vector<std::int64_t>& ends) {
  Rng rng(1);
  Net net(rng);
  Tensors start;
  for (const nn::NamedTensor& tensor : net.state()) start[tensor.name] = golden.at(tensor.name);
  net.load_state(start);
  Recipe recipe;
  recipe.batch_size = 5;
  recipe.clip = c.clip;
  recipe.label_smoothing = c.smoothing;
  const bool sgd = std::string(c.optimizer) == "sgd";
  optim::Settings settings{
      .momentum = 0.9, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0.1};
  if (sgd) settings.weight_decay = 0.01;
  optim::Optimizer optimizer(optim::find_optimizer(c.optimizer), net.parameters(), settings);
  Tensor weights;
  if (c.weighted) weights = Tensor::from(std::vector<double>{1, 2, 0.5, 1.5}, {4});
  Step step(recipe, net, optimizer, weights);
  WeightAverage average(net, 0.8);
  std::optional<LossScale> scale;
  for (std::int64_t i = 0; i < 10; ++i) {
    step.begin(i, static_cast<std::int64_t>(ends.size()));
    std::int64_t begin = 0;
    for (const std::int64_t end : ends) {
      step.forward(part_of(golden, i, begin, end, c.soft), 3 * i);
      step.backward(scale);
      begin = end;
    }
    step.update(sgd ? 0.2 : 0.02, scale);
    average.update();
  }
  Run result;
  for (const nn::NamedTensor& tensor : net.state()) result.weights[tensor.name] = tensor.value.clone();
  for (const nn::NamedTensor& tensor : average.state()) result.averages[tensor.name] = tensor.value;
  return result;
}

void check_near(const Tensors& got, const Tensors& golden, const std::string& prefix) {
  // Weights stay below 2 in size. In f32 a step rounds gradients and weights by some units of 2^-24, and what
  // AdamW divides by is at least 1e-3: ten steps of 0.02 or 0.2 carry that to some 1e-6.
  for (const auto& [key, tensor] : got) {
    const std::string name = prefix + key;
    const auto a = tensor.to_vector<double>(), b = golden.at(name).to_vector<double>();
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    CHECK_MESSAGE(largest <= 1e-5, name);
  }
}

}  // namespace

TEST_CASE("clipped, averaged and accumulated steps are PyTorch's") {
  const Tensors golden = read_safetensors(SATSUMA_GOLDEN "/training.safetensors").tensors;
  for (const Case& c : kCases) {
    const std::string name = c.name;
    CAPTURE(name);
    // A batch in parts of different sizes, and whole.
    for (const std::vector<std::int64_t>& ends : {std::vector<std::int64_t>{5, 10, 12}, {12}}) {
      const Run after = run(golden, c, ends);
      check_near(after.weights, golden, name + ".");
      check_near(after.averages, golden, name + ".ema.");
    }
  }
}

TEST_CASE("clipping changes the golden steps") {
  const Tensors golden = read_safetensors(SATSUMA_GOLDEN "/training.safetensors").tensors;
  for (const Case& c : kCases) {
    Case plain = c;
    plain.clip = "";
    const auto with = golden.at(std::string(c.name) + ".conv1.weight").to_vector<double>();
    const auto without = run(golden, plain, {12}).weights.at("conv1.weight").to_vector<double>();
    double largest = 0;
    for (std::size_t i = 0; i < with.size(); ++i) largest = std::max(largest, std::abs(with[i] - without[i]));
    CHECK_MESSAGE(largest > 1e-3, std::string(c.name));
  }
}

}  // namespace satsuma::train
