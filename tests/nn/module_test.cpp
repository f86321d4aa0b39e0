#include "satsuma/nn/module.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/nn/batch_norm.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/nn/sequential.hpp"

namespace satsuma::nn {

namespace {

/// conv - bn - (a nested pair of linear layers).
class Net : public Module {
 public:
  explicit Net(Rng& rng) {
    body_ = add("body", std::make_shared<Sequential>());
    body_->append(std::make_shared<Conv2d>(Geometry{.in_channels = 2, .out_channels = 8}, rng));
    body_->append(std::make_shared<BatchNorm2d>(8));
    head_ = add("head", std::make_shared<Sequential>());
    auto inner = head_->append(std::make_shared<Sequential>());
    inner->append(std::make_shared<Linear>(8, 4, rng));
    inner->append(std::make_shared<Linear>(5, 3, rng));  // does not fit: forward has to say so
  }

  Tensor forward(const Tensor& x) override { return (*head_)((*body_)(x)); }
  Tensor head(const Tensor& x) { return (*head_)(x); }

 private:
  std::shared_ptr<Sequential> body_;
  std::shared_ptr<Sequential> head_;
};

std::map<std::string, Tensor> copy_of(const Module& module) {
  std::map<std::string, Tensor> values;
  for (const NamedTensor& tensor : module.state()) values[tensor.name] = tensor.value.clone();
  return values;
}

std::string refusal(Module& module, const std::map<std::string, Tensor>& values) {
  try {
    module.load_state(values);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("names are dotted, in order of construction, and as seen from the module that is asked") {
  Rng rng(1);
  const Net net(rng);
  std::vector<std::string> parameters, buffers, state, contractions;
  for (const auto& p : net.parameters()) parameters.push_back(p.name);
  for (const auto& b : net.buffers()) buffers.push_back(b.name);
  for (const auto& s : net.state()) state.push_back(s.name);
  for (const auto& c : net.contractions()) contractions.push_back(c->name());
  using Names = std::vector<std::string>;
  CHECK(parameters == Names{"body.0.weight", "body.1.weight", "body.1.bias", "head.0.0.weight",
                            "head.0.0.bias", "head.0.1.weight", "head.0.1.bias"});
  CHECK(buffers == Names{"body.1.running_mean", "body.1.running_var", "body.1.num_batches_tracked"});
  CHECK(state == Names{"body.0.weight", "body.1.weight", "body.1.bias", "body.1.running_mean",
                       "body.1.running_var", "body.1.num_batches_tracked", "head.0.0.weight", "head.0.0.bias",
                       "head.0.1.weight", "head.0.1.bias"});
  CHECK(contractions == Names{"body.0", "head.0.0", "head.0.1"});
  for (const auto& p : net.parameters()) CHECK(p.value.requires_grad());
}

TEST_CASE("a shape error names the layer it came from") {
  Rng rng(1);
  Net net(rng);
  const auto message = [&](auto&& f) -> std::string {
    try {
      f();
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message([&] {
          net(Tensor::zeros({2, 3, 4, 4}));
        }) ==
        "body.0: [conv2d] got [2, 3, 4, 4], expected [N, 2, H, W] for a 1x1 convolution of 2 to 8 channels");
  CHECK(message([&] {
          net.head(Tensor::zeros({2, 8}));
        }) == "head.0.1: [linear] got [2, 4], expected [N, 5] or [N, T, 5]");
}

TEST_CASE("training mode reaches all children") {
  Rng rng(1);
  Net net(rng);
  net.train(false);
  CHECK_FALSE(net.training());
  const auto before = net.buffers()[0].value.to_vector<float>();
  CHECK_THROWS_AS(net(Tensor::full({2, 2, 4, 4}, 1)), ShapeError);  // past the batch norm, at the wrong layer
  CHECK(net.buffers()[0].value.to_vector<float>() == before);
  net.train();
  CHECK_THROWS_AS(net(Tensor::full({2, 2, 4, 4}, 1)), ShapeError);
  CHECK(net.buffers()[0].value.to_vector<float>() != before);
}

TEST_CASE("state is copied in, and packed weights follow") {
  Rng rng(1), other_rng(2);
  Net net(rng), other(other_rng);
  const auto contraction = net.contractions()[0];
  contraction->configure(
      {.sparsity = {.method = &find_method("bdwp"), .pattern = {1, 4}}, .device = find_device("reference")});
  const auto old_values = contraction->packed(Pass::bp).values.to_vector<float>();
  net.load_state(copy_of(other));
  const auto mine = copy_of(net), theirs = copy_of(other);
  for (const auto& entry : theirs) {
    CAPTURE(entry.first);
    CHECK(mine.at(entry.first).to_vector<double>() == entry.second.to_vector<double>());
  }
  CHECK(contraction->packed(Pass::bp).values.to_vector<float>() != old_values);
}

TEST_CASE("state that does not fit is refused before anything changes") {
  Rng rng(1);
  Net net(rng);
  auto good = copy_of(net);
  for (auto& [name, value] : good) value.fill(3);
  auto missing = good;
  missing.erase("head.0.0.bias");
  CHECK(refusal(net, missing).find("'head.0.0.bias' [4] is missing") != std::string::npos);
  auto extra = good;
  extra["head.2.weight"] = Tensor::zeros({1, 2});
  CHECK(refusal(net, extra).find("'head.2.weight' [1, 2] is not part of the model") != std::string::npos);
  auto reshaped = good;
  reshaped["head.0.1.bias"] = Tensor::zeros({4});
  CHECK(refusal(net, reshaped).find("'head.0.1.bias' got [4], expected [3]") != std::string::npos);
  for (const NamedTensor& tensor : net.state()) {
    CHECK(tensor.value.to_vector<double>() !=
          std::vector<double>(static_cast<std::size_t>(tensor.value.numel()), 3));
  }
  CHECK(refusal(net, good) == "accepted");
}

}  // namespace satsuma::nn
