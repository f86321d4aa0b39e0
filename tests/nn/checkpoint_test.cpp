#include "satsuma/nn/checkpoint.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/autograd/saved_precision.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/nn/trace.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/placement.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::nn {

namespace {

using testing::random_tensor;

/// Everything that two steps without an optimiser leave behind.
struct Outcome {
  std::vector<double> losses;
  std::map<std::string, std::vector<float>> gradients;  ///< of the first step added to those of the second
  std::map<std::string, std::vector<double>> buffers;
  std::vector<std::uint64_t> positions;

  bool operator==(const Outcome&) const = default;
};

Outcome two_steps(const char* name, models::Options options, const char* method, DType kept, bool recompute) {
  options.recompute = recompute;
  Rng rng(1);
  const auto model = models::find(name).create(options, rng);
  train::LayerOptions layers;
  layers.set_method(method);
  layers.pattern = Pattern{2, 4};
  if (kept == DType::bf16) layers.operands = DType::bf16;
  train::configure_layers(*model, layers);
  model->train();
  Outcome outcome;
  for (int step = 0; step < 2; ++step) {
    for (const auto& layer : model->contractions()) layer->begin_step(step);
    const SavedPrecision precision(kept);
    const Shape& image = options.input;
    const Tensor x = random_tensor({5, image[0], image[1], image[2]}, 3 + static_cast<std::uint64_t>(step),
                                   DType::f32, MemoryFormat::batch_blocked);
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 3, 0}, {5});
    const Tensor loss = ops::cross_entropy((*model)(x), labels);
    backward(loss);
    outcome.losses.push_back(loss.item());
  }
  for (const auto& parameter : model->parameters()) {
    CAPTURE(parameter.name);
    REQUIRE(parameter.value.grad().defined());
    outcome.gradients[parameter.name] = parameter.value.grad().to_vector<float>();
  }
  for (const auto& buffer : model->buffers()) outcome.buffers[buffer.name] = buffer.value.to_vector<double>();
  for (const auto& generator : model->generators()) outcome.positions.push_back(generator->position());
  return outcome;
}

}  // namespace

TEST_CASE("gradients, running statistics and generators under recomputation are the same bits") {
  struct Case {
    const char* model;
    models::Options options;
    const char* method;
    DType kept = DType::f32;
  };
  const models::Options small = {.input = {3, 32, 32}, .classes = 4, .width = 0.125};
  models::Options dropping = small;
  dropping.drop_path = 0.3;
  dropping.dropout = 0.2;
  const Case cases[] = {
      {"resnet18", small, "dense"},
      {"resnet18", dropping, "bdwp"},
      {"resnet50", dropping, "bdwp", DType::bf16},
      {"resnet9", small, "bdwp"},
      {"vgg11", small, "bdwp"},
      {"vgg11_bn", small, "sdgp"},
      {"vit_cifar", dropping, "bdwp"},
      {"vit_tiny_patch16_224", dropping, "sr-ste", DType::bf16},
  };
  for (const Case& c : cases) {
    CAPTURE(c.model);
    CAPTURE(c.method);
    const Outcome whole = two_steps(c.model, c.options, c.method, c.kept, false);
    const Outcome again = two_steps(c.model, c.options, c.method, c.kept, true);
    CHECK(whole.losses == again.losses);
    CHECK(whole.buffers == again.buffers);
    CHECK(whole.positions == again.positions);
    CHECK(whole.gradients == again.gradients);
  }
}

TEST_CASE("a sampled gradient is drawn at the same positions under recomputation") {
  const models::Options options = {.input = {3, 16, 16}, .classes = 4, .width = 0.125};
  const auto gradients = [&](bool recompute) {
    Rng rng(1);
    models::Options own = options;
    own.recompute = recompute;
    const auto model = models::find("resnet18").create(own, rng);
    train::LayerOptions layers;
    layers.wu = {8, 16};
    train::configure_layers(*model, layers);
    model->train();
    for (const auto& layer : model->contractions()) layer->begin_step(3);
    const Tensor x = random_tensor({16, 3, 16, 16}, 3, DType::f32, MemoryFormat::batch_blocked);
    const Tensor logits = (*model)(x);
    backward(logits, Tensor::full(logits.shape(), 1));
    std::vector<std::vector<float>> result;
    for (const auto& parameter : model->parameters())
      result.push_back(parameter.value.grad().to_vector<float>());
    return result;
  };
  CHECK(gradients(false) == gradients(true));
}

TEST_CASE("recomputation takes less memory, and evaluation and traces know nothing of it") {
  const auto peak = [](bool recompute) {
    Rng rng(1);
    const auto model =
        models::find("resnet50")
            .create({.input = {3, 32, 32}, .classes = 4, .width = 0.25, .recompute = recompute}, rng);
    model->train();
    const Tensor x = random_tensor({32, 3, 32, 32}, 3, DType::f32, MemoryFormat::batch_blocked);
    const std::size_t before = memory_use().in_use;
    reset_peak_memory();
    const Tensor logits = (*model)(x);
    backward(logits, Tensor::full(logits.shape(), 1));
    return memory_use().peak - before;
  };
  CHECK(static_cast<double>(peak(true)) < 0.5 * static_cast<double>(peak(false)));

  Rng rng(1);
  const auto model =
      models::find("resnet18")
          .create({.input = {3, 32, 32}, .classes = 4, .width = 0.125, .recompute = true}, rng);
  const Trace traced = trace(*model, {2, 3, 32, 32});
  for (const Trace::Op& op : traced.ops()) CHECK(op.kind != "checkpoint");
  model->train(false);
  const NoGrad no_grad;
  CHECK_FALSE((*model)(random_tensor({2, 3, 32, 32}, 3, DType::f32)).requires_grad());
}

}  // namespace satsuma::nn
