#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::nn {

namespace {

using testing::random_tensor;

std::shared_ptr<Module> small_resnet() {
  Rng rng(1);
  return models::find("resnet18").create({.input = {3, 16, 16}, .classes = 4, .width = 0.125}, rng);
}

void step(Module& model, optim::Optimizer& optimizer, std::uint64_t seed) {
  optimizer.zero_grad();
  const Tensor x = random_tensor({5, 3, 16, 16}, seed, DType::f32, MemoryFormat::batch_blocked);
  const Tensor logits = model(x);
  backward(logits, random_tensor(logits.shape(), seed + 1, DType::f32));
  optimizer.step(0.1);
}

bool in_front(const std::string& name) {
  return name.starts_with("conv1.") || name.starts_with("bn1.") || name.starts_with("layer1.");
}

}  // namespace

TEST_CASE(
    "what is frozen stays as it is, running statistics too, and costs no weight gradient and no state") {
  const auto model = small_resnet();
  CHECK(model->freeze(in_front) == 3 + 12);
  optim::Optimizer optimizer(optim::find_optimizer("adamw"), model->parameters(), {});
  std::size_t trained = 0;
  for (const Parameter& parameter : model->parameters()) trained += in_front(parameter.name) ? 0 : 1;
  CHECK(optimizer.state().size() == 2 * trained);

  std::map<std::string, std::vector<float>> before;
  for (const NamedTensor& tensor : model->state()) before[tensor.name] = tensor.value.to_vector<float>();
  Device& device = model->contractions().front()->device(Pass::wu);
  std::int64_t products = 0;
  for (const auto& layer : model->contractions()) {
    // Of 5 images; stages 1 to 4 have 16, 8, 4, 2 pixels a side.
    if (in_front(layer->name() + ".")) continue;
    const std::int64_t stage = layer->name() == "fc" ? 0 : layer->name()[5] - '0';
    const std::int64_t side = stage == 0 ? 1 : 32 >> stage;
    products += 5 * layer->geometry().dense_macs(side, side);
  }
  device.reset_counters();
  model->train();
  step(*model, optimizer, 3);
  CHECK(device.counters()[Pass::wu].macs == products);
  for (const NamedTensor& tensor : model->state()) {
    CAPTURE(tensor.name);
    CHECK((tensor.value.to_vector<float>() == before[tensor.name]) == in_front(tensor.name));
  }

  // Evaluation and back: still frozen.
  model->train(false);
  model->train();
  step(*model, optimizer, 5);
  for (const NamedTensor& tensor : model->state()) {
    if (in_front(tensor.name)) CHECK(tensor.value.to_vector<float>() == before[tensor.name]);
  }
}

TEST_CASE("the gradients of what is not frozen are those of the function with constants in front") {
  // Against the same model whose front is in evaluation mode without being frozen.
  const auto frozen = small_resnet(), whole = small_resnet();
  frozen->freeze(in_front);
  frozen->train();
  whole->train(false);
  frozen->train(false);
  const Tensor x = random_tensor({5, 3, 16, 16}, 3, DType::f32, MemoryFormat::batch_blocked);
  for (const auto& model : {frozen, whole}) {
    const Tensor logits = (*model)(x);
    backward(logits, random_tensor(logits.shape(), 4, DType::f32));
  }
  const auto ours = frozen->parameters(), theirs = whole->parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(ours[i].name);
    CHECK(ours[i].value.grad().defined() == !in_front(ours[i].name));
    if (ours[i].value.grad().defined())
      CHECK(ours[i].value.grad().to_vector<float>() == theirs[i].value.grad().to_vector<float>());
  }
}

TEST_CASE("biases alone can be trained: no weight gradient is computed for them") {
  Rng rng(1);
  const auto model =
      models::find("vit_cifar").create({.input = {3, 16, 16}, .classes = 4, .width = 0.125}, rng);
  Rng same(1);
  const auto whole =
      models::find("vit_cifar").create({.input = {3, 16, 16}, .classes = 4, .width = 0.125}, same);
  model->freeze([](const std::string& name) { return !name.ends_with(".bias"); });
  const Tensor x = random_tensor({5, 3, 16, 16}, 3, DType::f32, MemoryFormat::batch_blocked);
  Device& device = model->contractions().front()->device(Pass::wu);
  device.reset_counters();
  for (const auto& one : {model, whole}) {
    const Tensor logits = (*one)(x);
    if (one == whole) CHECK(device.counters()[Pass::wu].macs == 0);
    backward(logits, random_tensor(logits.shape(), 4, DType::f32));
    if (one == model) CHECK(device.counters()[Pass::wu].macs == 0);
  }
  const auto ours = model->parameters(), theirs = whole->parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(ours[i].name);
    const Tensor grad = ours[i].value.grad();
    CHECK(grad.defined() == ours[i].name.ends_with(".bias"));
    if (!grad.defined()) continue;
    const std::vector<float> a = grad.to_vector<float>(), b = theirs[i].value.grad().to_vector<float>();
    // Sums of the same numbers in another order: some units in the last place of the largest.
    for (std::size_t j = 0; j < a.size(); ++j)
      CHECK(static_cast<double>(a[j]) == doctest::Approx(static_cast<double>(b[j])).epsilon(1e-5).scale(1));
  }
}

}  // namespace satsuma::nn
