#include "satsuma/nn/trace.hpp"

#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/nn/sequential.hpp"
#include "satsuma/ops/shape.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::nn {

namespace {

/// A strided convolution with bias, batch normalisation with ReLU, and a linear layer.
class Net : public Module {
 public:
  explicit Net(Rng& rng) {
    // `body` is part of the net before it has layers.
    const auto body = add("body", std::make_shared<Sequential>());
    const Geometry geometry = {
        .in_channels = 3, .out_channels = 8, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}};
    conv_ = body->append(std::make_shared<Conv2d>(geometry, rng, true));
    norm_ = body->append(std::make_shared<BatchNorm2d>(8));
    head_ = add("head", std::make_shared<Linear>(8 * 4 * 4, 5, rng));
  }

  Tensor forward(const Tensor& x) override { return (*head_)(ops::flatten(norm_->relu((*conv_)(x)))); }

 private:
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2d> norm_;
  std::shared_ptr<Linear> head_;
};

/// `name kind(inputs)` of an op, by the names of its values.
std::string text(const Trace& trace, const Trace::Op& op) {
  std::string result = op.layer + " " + std::string(op.kind) + "(";
  for (const int input : op.inputs) {
    if (result.back() != '(') result += ", ";
    result += input < 0 ? "-" : trace.value(input).name.empty() ? "." : trace.value(input).name;
  }
  return result + ")";
}

}  // namespace

TEST_CASE("a trace of a module: its ops by layer, their inputs by name, attributes") {
  Rng rng(1);
  Net net(rng);
  const Trace trace = nn::trace(net, {2, 3, 7, 5});
  std::vector<std::string> ops;
  for (const Trace::Op& op : trace.ops()) ops.push_back(text(trace, op));
  CHECK(ops ==
        std::vector<std::string>{"body.0 conv2d(input, body.0.weight, body.0.bias)",
                                 "body.1 batch_norm(., body.1.weight, body.1.bias, -, body.1.running_mean, "
                                 "body.1.running_var)",
                                 " reshape(.)", "head linear(., head.weight, head.bias)"});
  using List = std::vector<std::int64_t>;
  const Trace::Op& conv = trace.ops()[0];
  CHECK(conv.attribute<List>("kernel") == List{3, 2});
  CHECK(conv.attribute<List>("stride") == List{2, 1});
  CHECK(conv.attribute<List>("padding") == List{1, 0});
  CHECK(conv.attribute<List>("dilation") == List{1, 1});
  CHECK(conv.attribute<std::int64_t>("groups") == 1);
  const Trace::Op& norm = trace.ops()[1];
  CHECK(norm.attribute<double>("eps") == 1e-5);
  CHECK(norm.attribute<bool>("relu"));
  CHECK_FALSE(norm.attribute<bool>("training"));
  CHECK(trace.ops()[2].attribute<List>("shape") == List{2, 128});

  CHECK(to_string(trace.value(conv.output).tensor.shape()) == "[2, 8, 4, 4]");
  CHECK(trace.output() == trace.ops().back().output);
  CHECK(to_string(trace.value(trace.output()).tensor.shape()) == "[2, 5]");
  // Nobody needs the gradient of the image; BP of the other layers is run.
  CHECK_FALSE(trace.value(conv.inputs[0]).needs_grad);
  CHECK(trace.value(conv.inputs[1]).needs_grad);
  CHECK_FALSE(trace.value(norm.inputs[4]).needs_grad);
  CHECK(trace.value(trace.ops()[3].inputs[0]).needs_grad);
  // A model with weights keeps them, and its mode.
  CHECK(trace.value(conv.inputs[1]).tensor.has_storage());
  CHECK(net.training());
  CHECK(net.buffers()[2].value.to_vector<std::int64_t>() == std::vector<std::int64_t>{0});
}

TEST_CASE("a model without weights has the trace of one with them, and refuses the same input") {
  Rng rng(1), again(1);
  Net real(again);
  const auto refusal = [](Net& net) -> std::string {
    try {
      nn::trace(net, {2, 3, 9, 5});
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string expected = "head: [linear] got [2, 160], expected [N, 128] or [N, T, 128]";
  CHECK(refusal(real) == expected);
  CHECK(real.training());

  std::unique_ptr<Net> shapes;
  {
    const NoStorage shapes_only;
    shapes = std::make_unique<Net>(rng);
    CHECK(rng.position() == 0);
  }
  for (const NamedTensor& tensor : shapes->state()) CHECK_FALSE(tensor.value.has_storage());
  CHECK(refusal(*shapes) == expected);
  const Trace without = nn::trace(*shapes, {2, 3, 7, 5}), with = nn::trace(real, {2, 3, 7, 5});
  REQUIRE(without.ops().size() == with.ops().size());
  REQUIRE(without.values().size() == with.values().size());
  for (std::size_t i = 0; i < with.ops().size(); ++i)
    CHECK(text(without, without.ops()[i]) == text(with, with.ops()[i]));
  for (std::size_t i = 0; i < with.values().size(); ++i) {
    CHECK((without.values()[i].tensor.shape() == with.values()[i].tensor.shape()));
    CHECK((without.values()[i].tensor.layout() == with.values()[i].tensor.layout()));
  }
  // Run for real, it says what it lacks.
  CHECK_THROWS_AS((*shapes)(Tensor::zeros({2, 3, 7, 5})), Error);
}

TEST_CASE("layers know their place as soon as they have one") {
  Rng rng(1);
  const auto conv = std::make_shared<Conv2d>(Geometry{.in_channels = 2, .out_channels = 2}, rng);
  const auto inner = std::make_shared<Sequential>();
  const auto outer = std::make_shared<Sequential>();
  CHECK(conv->contraction()->name().empty());
  outer->append(inner);
  inner->append(std::make_shared<BatchNorm2d>(2));
  inner->append(conv);
  CHECK(conv->contraction()->name() == "0.1");
  Sequential whole;
  whole.append(std::make_shared<BatchNorm2d>(2));
  whole.append(outer);
  CHECK(conv->contraction()->name() == "1.0.1");
  // Asking a part for its parameters renames nothing.
  CHECK(inner->parameters().back().name == "1.weight");
  CHECK(conv->contraction()->name() == "1.0.1");
}

TEST_CASE("errors of a linear layer call it one") {
  Rng rng(1);
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "accepted";
  };
  Linear linear(4, 3, rng);
  CHECK(message([&] {
          linear(Tensor::zeros({2, 4}, DType::f64));
        }) == "[linear] got an input of f64, expected f32 as the weight");
  CHECK(message([&] { Linear(0, 3, rng); }).starts_with("[linear] got "));
  CHECK(message([&] {
          Contraction("fc", {.in_channels = 4, .out_channels = 3}, Tensor::zeros({3, 3, 1, 1}), "linear");
        }).starts_with("[linear] got weight [3, 3, 1, 1]"));
}

}  // namespace satsuma::nn
