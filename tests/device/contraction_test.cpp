#include "satsuma/device/contraction.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "support/devices.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

/// Runs nothing but what it hands to the reference device, and refuses what it is told to.
class PickyDevice : public Device {
 public:
  std::vector<Pass> refused;
  int updates = 0;
  bool fails_to_update = false;

  std::string_view name() const override { return "picky"; }
  std::string description() const override { return "refuses passes"; }
  MemoryFormat activation_format() const override { return MemoryFormat::row_major; }
  Support supports(const LayerPlan& plan, Pass pass) const override {
    static_cast<void>(plan);
    for (const Pass refusal : refused) {
      if (refusal == pass) return Support::no("it is picky");
    }
    return {};
  }
  void forward(const LayerPlan& g, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    REQUIRE(x.is(MemoryFormat::row_major));
    reference_->forward(g, x, w, bias, y);
  }
  void backward_data(const LayerPlan& g, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    REQUIRE(dy.is(MemoryFormat::row_major));
    reference_->backward_data(g, dy, w, dx);
  }
  void backward_weights(const LayerPlan& g, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    reference_->backward_weights(g, key, x, dy, dw, dbias);
  }
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    return reference_->compress(weight, axis, pattern);
  }
  void update(const UpdateArgs& args) override {
    ++updates;
    if (fails_to_update) throw DeviceError("it had enough");
    reference_->update(args);
  }

 private:
  std::shared_ptr<Device> reference_ = find_device("reference");
};

Contraction make(const Geometry& geometry) {
  return Contraction("layer", geometry, random_tensor(geometry.weight_shape(), 5, DType::f32));
}

ContractionSettings bdwp(Pattern pattern, std::shared_ptr<Device> device = find_device("reference")) {
  return {.sparsity = {.method = &find_method("bdwp"), .pattern = pattern}, .device = std::move(device)};
}

bool same(const Tensor& a, const Tensor& b) {
  return a.to_vector<double>() == b.to_vector<double>();
}

}  // namespace

TEST_CASE("what is pruned, and why not") {
  struct Case {
    Geometry geometry;
    const char* method;
    Pattern pattern;
    const char* keep_dense;
    Pattern ff, bp;
    std::string reason;
  };
  const Geometry layer = {.in_channels = 16, .out_channels = 32, .kernel = {3, 3}};
  const Case cases[] = {
      {layer, "bdwp", {2, 8}, "", {2, 8}, {2, 8}, ""},
      {layer, "dense", {2, 8}, "", {}, {}, "method dense"},
      {layer, "bdwp", {4, 4}, "", {}, {}, "pattern 4:4 keeps everything"},
      {layer, "bdwp", {2, 8}, "first convolution", {}, {}, "first convolution"},
      {{.in_channels = 32, .out_channels = 32, .groups = 32},
       "bdwp",
       {2, 8},
       "",
       {},
       {},
       "32 groups of 1 input channels"},
      {{.in_channels = 64, .out_channels = 10}, "bdwp", {2, 16}, "", {2, 16}, {}, ""},
      {{.in_channels = 3, .out_channels = 64}, "bdwp", {2, 8}, "", {}, {2, 8}, ""},
      {{.in_channels = 3, .out_channels = 5},
       "bdwp",
       {2, 8},
       "",
       {},
       {},
       "FF: 3 input channels are fewer than a group of 2:8; BP: 5 output channels are fewer than a group of "
       "2:8"},
      {{.in_channels = 8, .out_channels = 8}, "bdwp", {2, 8}, "", {2, 8}, {2, 8}, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.geometry));
    CAPTURE(c.method);
    CAPTURE(to_string(c.pattern));
    Contraction contraction = make(c.geometry);
    ContractionSettings plan = bdwp(c.pattern);
    plan.sparsity.method = &find_method(c.method);
    contraction.configure(plan);
    if (*c.keep_dense) contraction.keep_dense(c.keep_dense);
    CHECK(to_string(contraction.plan()[Pass::ff].skipping().pattern) == to_string(c.ff));
    CHECK(to_string(contraction.plan()[Pass::bp].skipping().pattern) == to_string(c.bp));
    CHECK(contraction.plan()[Pass::wu].skipping().pattern.dense());
    CHECK(contraction.plan().dense_reason() == c.reason);
    CHECK(contraction.plan().sparse() == c.reason.empty());
    CHECK(contraction.plan()[Pass::ff].reason.empty() == !c.ff.dense());
    CHECK(contraction.plan()[Pass::bp].reason.empty() == !c.bp.dense());
    CHECK_FALSE(contraction.plan()[Pass::wu].reason.empty());
    for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
      if (contraction.plan()[pass].skipping().pattern.dense())
        CHECK_THROWS_AS(contraction.packed(pass), Error);
    }
  }
}

TEST_CASE("a layer marked dense stays so when it is configured later") {
  Contraction contraction = make({.in_channels = 16, .out_channels = 16});
  contraction.keep_dense("first convolution");
  CHECK(contraction.plan().dense_reason() == "method dense");
  contraction.configure(bdwp({2, 8}));
  CHECK(contraction.plan().dense_reason() == "first convolution");
}

TEST_CASE("multiply-adds follow the plan") {
  Contraction contraction = make({.in_channels = 20, .out_channels = 12, .kernel = {3, 3}});
  const std::int64_t dense = 12 * 20 * 9 * 4 * 5;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
    CHECK(pass_macs(contraction.plan(), pass, 1, 4, 5) == dense);
  contraction.configure(bdwp({2, 8}));
  CHECK(pass_macs(contraction.plan(), Pass::ff, 1, 4, 5) == 12 * 5 * 9 * 20);
  CHECK(pass_macs(contraction.plan(), Pass::bp, 1, 4, 5) == 20 * 3 * 9 * 20);
  CHECK(pass_macs(contraction.plan(), Pass::wu, 1, 4, 5) == dense);
}

TEST_CASE("passes multiply with the operand that the plan says, in the device's format") {
  const Geometry geometry = {.in_channels = 12, .out_channels = 9, .kernel = {3, 3}, .padding = {1, 1}};
  const Tensor x = random_tensor({3, 12, 5, 4}, 1, DType::f32);
  const Tensor dy = random_tensor({3, 9, 5, 4}, 2, DType::f32, MemoryFormat::batch_blocked);
  const auto picky = std::make_shared<PickyDevice>();
  Contraction sparse = make(geometry);
  sparse.configure(bdwp({2, 4}, picky));
  Contraction ff("ff", geometry,
                 expand(compress_reference(sparse.weight(), GroupAxis::input_channels, {2, 4})));
  Contraction bp("bp", geometry,
                 expand(compress_reference(sparse.weight(), GroupAxis::output_channels, {2, 4})));
  for (Contraction* const dense : {&ff, &bp}) dense->configure({.device = picky});

  // The order of a sum differs between packed and dense rows, but each sum is made in double and rounded
  // once.
  CHECK(same(sparse.forward(x, {}), ff.forward(x, {})));
  CHECK(same(sparse.backward_data(dy, x.shape()), bp.backward_data(dy, x.shape())));
  const auto grad = sparse.backward_weights(x, dy, true);
  const auto dense_grad = ff.backward_weights(x, dy, true);
  CHECK(same(grad.weight, dense_grad.weight));
  CHECK(same(grad.bias, dense_grad.bias));
  CHECK(grad.weight.is(MemoryFormat::channels_last));
  CHECK_FALSE(sparse.backward_weights(x, dy, false).bias.defined());
}

TEST_CASE("packed weights follow the weight") {
  const auto picky = std::make_shared<PickyDevice>();
  Contraction contraction = make({.in_channels = 16, .out_channels = 8, .kernel = {3, 1}});
  contraction.configure(bdwp({1, 4}, picky));
  const auto fresh = [&](Pass pass) {
    const GroupAxis axis = pass == Pass::ff ? GroupAxis::input_channels : GroupAxis::output_channels;
    const PackedWeight expected = compress_reference(contraction.weight(), axis, {1, 4});
    return same(contraction.packed(pass).values, expected.values) &&
           same(contraction.packed(pass).indices, expected.indices);
  };
  CHECK(fresh(Pass::ff));
  CHECK(fresh(Pass::bp));

  Tensor weight = contraction.weight();
  weight.copy_from(random_tensor(weight.shape(), 11, DType::f32));
  CHECK(fresh(Pass::ff));
  CHECK(fresh(Pass::bp));

  // The gradient's layout is its own affair.
  const Tensor grad = random_tensor(weight.shape(), 12, DType::f32, MemoryFormat::row_major);
  contraction.update(grad, {}, SgdRule(), 0.5);
  CHECK(picky->updates == 1);
  CHECK(fresh(Pass::ff));
  CHECK(fresh(Pass::bp));

  // BP on another device: that one packs for itself.
  picky->refused = {Pass::bp};
  contraction.configure(bdwp({1, 4}, picky));
  CHECK(fresh(Pass::bp));
  contraction.update(grad, {}, SgdRule(), 0.5);
  CHECK(fresh(Pass::ff));
  CHECK(fresh(Pass::bp));
}

TEST_CASE("whoever writes a weight, what was packed of it is made anew") {
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    if (entry.name == "sat") continue;  // other products
    CAPTURE(entry.name);
    Contraction contraction = make({.in_channels = 8, .out_channels = 8});
    contraction.configure(bdwp({1, 4}, find_device(entry.name)));
    const Tensor x = Tensor::full({16, 8, 1, 1}, 1.0);
    Tensor weight = contraction.weight();
    weight.fill(2);
    CHECK(contraction.forward(x, {}).to_vector<double>()[0] == 4);
    weight.fill(10);
    CHECK(contraction.forward(x, {}).to_vector<double>()[0] == 20);
    CHECK(contraction.backward_data(x, x.shape()).to_vector<double>()[0] == 20);
    weight.view(weight.shape(), weight.layout()).data<float>()[0] = 30;
    CHECK(contraction.forward(x, {}).to_vector<double>()[0] == 40);
  }
}

TEST_CASE("positions of kept weights are held until they are chosen anew") {
  const Tensor x = Tensor::full({16, 4, 1, 1}, 1.0);
  Contraction contraction = make({.in_channels = 4, .out_channels = 4});
  ContractionSettings settings = bdwp({1, 4}, find_device("cpu"));
  settings.refresh_masks = 3;
  contraction.configure(settings);
  Tensor weight = contraction.weight();
  const auto first_of = [&](std::vector<float> row) {
    for (int k = 1; k < 4; ++k) row.insert(row.end(), {1, 2, 3, 4});
    weight.copy_from(Tensor::from<float>(row, weight.shape()));
    return contraction.forward(x, {}).to_vector<double>()[0];
  };
  contraction.begin_step(0);
  CHECK(first_of({9, 2, 3, 4}) == 9);
  contraction.begin_step(1);
  CHECK(first_of({1, 2, 3, 8}) == 1);  // the largest is another, the position is the same
  // An optimiser's step changes values alone.
  contraction.update(Tensor::full(weight.shape(), 1.0), {}, SgdRule(), 1.0);
  CHECK(contraction.forward(x, {}).to_vector<double>()[0] == 0);
  const Contraction::Masks masks = contraction.masks();
  CHECK(masks.ff.to_vector<double>() == std::vector<double>{0, 3, 3, 3});
  contraction.begin_step(3);
  CHECK(first_of({1, 2, 3, 8}) == 8);

  // A resumed run goes on with the positions, whatever the weights.
  Contraction resumed = make({.in_channels = 4, .out_channels = 4});
  resumed.configure(settings);
  resumed.hold(masks);
  Tensor same = resumed.weight();
  same.copy_from(weight);
  CHECK(resumed.forward(x, {}).to_vector<double>()[0] == 1);
  Tensor wrong = masks.ff.clone();
  wrong.data<std::uint8_t>()[0] = 4;
  CHECK_THROWS_AS(resumed.hold({wrong, {}}), FormatError);
  CHECK_THROWS_AS(resumed.hold({Tensor::zeros({2, 1, 1, 1}, DType::u8), {}}), FormatError);

  settings.sr_ste = 1e-4;
  CHECK_THROWS_AS(contraction.configure(settings), UsageError);
}

TEST_CASE("what a device makes of a constant weight follows the weight") {
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    CAPTURE(std::string(entry.name));
    Contraction contraction = make({.in_channels = 16, .out_channels = 8, .kernel = {3, 1}});
    contraction.configure({.device = find_device(entry.name)});
    const Tensor x = random_tensor({2, 16, 5, 4}, 13, DType::f32);
    // A fresh contraction has nothing that could be old.
    const auto as_fresh = [&] {
      Contraction fresh("fresh", contraction.geometry(), contraction.weight().clone());
      fresh.configure({.device = find_device(entry.name)});
      return same(contraction.forward(x, {}, true), fresh.forward(x, {}));
    };
    CHECK(as_fresh());
    CHECK(as_fresh());
    const Tensor grad = random_tensor(contraction.weight().shape(), 12, DType::f32);
    contraction.update(grad, {}, SgdRule(), 0.5);
    CHECK(as_fresh());
    Tensor weight = contraction.weight();
    weight.copy_from(random_tensor(weight.shape(), 11, DType::f32));
    CHECK(as_fresh());
  }
}

TEST_CASE("an input may start anywhere in memory") {
  const Tensor whole = random_tensor({1, 40}, 14, DType::f32);
  const Tensor dy = random_tensor({1, 8, 1, 1}, 15, DType::f32);
  for (const DeviceEntry& entry : testing::everywhere_devices()) {
    CAPTURE(std::string(entry.name));
    Contraction contraction = make({.in_channels = 16, .out_channels = 8});
    contraction.configure({.device = find_device(entry.name)});
    for (const std::int64_t first : {0, 3, 8}) {
      const Tensor part = whole.slice_view(1, first, first + 16);
      const Tensor x = part.view({1, 16, 1, 1}, layout_of({1, 16, 1, 1}, MemoryFormat::channels_last));
      const Tensor copy = Tensor::from(x.to_vector<float>(), x.shape());
      CHECK(same(contraction.forward(x, {}), contraction.forward(copy, {})));
      CHECK(same(contraction.backward_weights(x, dy, false).weight,
                 contraction.backward_weights(copy, dy, false).weight));
    }
  }
}

TEST_CASE("refused passes fall back and are counted") {
  const Geometry geometry = {.in_channels = 8, .out_channels = 8};
  struct Case {
    std::vector<Pass> refused;
    DType dtype;
    std::string ff, bp, wu;
  };
  const bool has_cpu = device_entries().front().name == "cpu" || device_entries().back().name == "cpu";
  const std::string first = has_cpu ? "cpu" : "reference";
  const Case cases[] = {
      {{}, DType::f32, "picky", "picky", "picky"},
      {{Pass::bp}, DType::f32, "picky", first, "picky"},
      {{Pass::ff, Pass::bp, Pass::wu}, DType::f32, first, first, first},
      // The cpu device computes in f32 only, so the chain goes on to the reference.
      {{Pass::wu}, DType::f64, "picky", "picky", "reference"},
  };
  for (const Case& c : cases) {
    const auto picky = std::make_shared<PickyDevice>();
    picky->refused = c.refused;
    Contraction contraction("layer", geometry, random_tensor(geometry.weight_shape(), 5, c.dtype));
    contraction.configure({.device = picky});
    CHECK(contraction.device(Pass::ff).name() == c.ff);
    CHECK(contraction.device(Pass::bp).name() == c.bp);
    CHECK(contraction.device(Pass::wu).name() == c.wu);
    CHECK(contraction.fallbacks() == static_cast<std::int64_t>(c.refused.size()));
  }
}

TEST_CASE("under strict a refusal is an error that names layer, device, pass and reason") {
  const auto picky = std::make_shared<PickyDevice>();
  picky->refused = {Pass::bp};
  Contraction contraction = make({.in_channels = 8, .out_channels = 8});
  ContractionSettings plan = bdwp({2, 8}, picky);
  plan.strict = true;
  try {
    contraction.configure(plan);
    FAIL("accepted");
  } catch (const DeviceError& error) {
    const std::string message = error.what();
    for (const char* part : {"'layer'", "'picky'", "BP", "it is picky"}) {
      CHECK(message.find(part) != std::string::npos);
    }
  }
}

TEST_CASE("a failed update is not taken for a pass") {
  const auto picky = std::make_shared<PickyDevice>();
  picky->fails_to_update = true;
  Contraction contraction = make({.in_channels = 8, .out_channels = 8});
  contraction.configure(bdwp({2, 8}, picky));
  std::string message;
  try {
    contraction.update(Tensor::zeros({8, 8, 1, 1}), {}, SgdRule(), 0.1);
  } catch (const DeviceError& error) {
    message = error.what();
  }
  CHECK(message == "layer 'layer', update: it had enough");
}

TEST_CASE("operands that do not fit are refused") {
  const Geometry geometry = {.in_channels = 8, .out_channels = 4};
  CHECK_THROWS_AS(Contraction("layer", geometry, Tensor::zeros({8, 4, 1, 1})), ShapeError);
  Contraction contraction = make(geometry);
  const Tensor x = Tensor::zeros({1, 8, 2, 2});
  CHECK_THROWS_AS(contraction.forward(Tensor::zeros({1, 4, 2, 2}), {}), ShapeError);
  CHECK_THROWS_AS(contraction.forward(x.to(DType::f64), {}), ShapeError);
  CHECK_THROWS_AS(contraction.forward(x, Tensor::zeros({8})), ShapeError);
  CHECK_THROWS_AS(contraction.forward(x, Tensor::zeros({4}, DType::f64)), ShapeError);
  CHECK_THROWS_AS(contraction.update(Tensor::zeros({4, 4}), {}, SgdRule(), 0.5), ShapeError);
  CHECK_THROWS_AS(contraction.configure(bdwp({3, 2})), UsageError);
}

}  // namespace satsuma
