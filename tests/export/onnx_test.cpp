#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "export/models.hpp"
#include "export/onnx_interpreter.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/export/onnx.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/shape.hpp"
#include "support/random_tensor.hpp"
#include "train/support.hpp"

namespace satsuma::exports {

namespace {

using namespace satsuma::testing;

/// Of the logits the largest magnitude.
double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

}  // namespace

TEST_CASE("onnx: the graph computes what the model computes, for any batch") {
  const TemporaryDirectory directory;
  for (const ExportCase& which : export_cases()) {
    CAPTURE(which.name());
    const std::shared_ptr<nn::Module> model = testing::make_model(which);
    write_onnx(directory / "model.onnx", *model, {.name = which.model, .input = which.input});
    const onnx::Model file = read_onnx(directory / "model.onnx");
    // Large networks take plain loops too long for more than one image.
    for (const std::int64_t batch : {1, 3}) {
      if (batch > 1 && which.model != "resnet9" && which.model != "vit_cifar") continue;
      const Tensor image =
          random_tensor({batch, which.input[0], which.input[1], which.input[2]}, 5, DType::f32);
      const NoGrad no_grad;
      const std::vector<double> ours = (*model)(image.to(MemoryFormat::batch_blocked)).to_vector<double>();
      const OnnxValue theirs = run_onnx(
          file, {{batch, which.input[0], which.input[1], which.input[2]}, image.to_vector<double>()});
      REQUIRE(theirs.data.size() == ours.size());
      // Against double precision: a sum of n products in f32 errs by up to n * 2^-24 of its largest terms,
      // and errors of one layer pass through the next; beside the largest logit, for one that cancels to
      // nothing has no digits of its own.
      double error = 0;
      for (std::size_t i = 0; i < ours.size(); ++i)
        error = std::max(error, std::abs(ours[i] - theirs.data[i]));
      CHECK(error < 1e-5 * largest(ours));
      CHECK(largest(ours) > 0.01);
    }
  }
}

TEST_CASE("onnx: initialisers are the parameters, pruned as FF has them") {
  const TemporaryDirectory directory;
  const ExportCase which{.model = "resnet9", .method = "bdwp", .pattern = "2:8"};
  const std::shared_ptr<nn::Module> model = testing::make_model(which);
  write_onnx(
      directory / "model.onnx", *model,
      {.name = "resnet9", .input = which.input, .mean = {0.5}, .std = {0.25}, .class_names = {"a", "b"}});
  const onnx::Model file = read_onnx(directory / "model.onnx");
  CHECK(file.opset_import(0).version() == 17);
  std::set<std::string> names;
  for (const onnx::Tensor& tensor : file.graph().initializer()) names.insert(tensor.name());
  for (const nn::NamedTensor& tensor : model->state()) {
    if (!tensor.name.ends_with("num_batches_tracked")) CHECK(names.count(tensor.name) == 1);
  }
  for (const onnx::Tensor& tensor : file.graph().initializer()) {
    if (tensor.name() != "layer1.conv.weight") continue;
    const auto zeros = std::count_if(tensor.raw_data().begin(), tensor.raw_data().end(),
                                     [](char byte) { return byte == 0; });
    CHECK(static_cast<double>(zeros) > 0.7 * static_cast<double>(tensor.raw_data().size()));
  }
  std::map<std::string, std::string> metadata;
  for (const onnx::Entry& entry : file.metadata_props()) metadata[entry.key()] = entry.value();
  CHECK(metadata["class_names"] == R"(["a","b"])");
  CHECK(metadata["mean"] == "[0.5]");
  CHECK(contains(file.doc_string(), "byte / 255"));
  const auto& extents = file.graph().input(0).type().tensor_type().shape();
  CHECK(extents.dim(0).dim_param() == "batch");
  CHECK(extents.dim(3).dim_value() == 32);
}

namespace {

/// x is passed on by an op that ONNX does not know.
class Odd : public nn::Module {
 public:
  Tensor forward(const Tensor& x) override {
    return record({"swirl", {x}}, Tensor::empty_like(x), []() -> Backward { return {}; });
  }
};

class WithOdd : public nn::Module {
 public:
  WithOdd() : odd_(add("middle.odd", std::make_shared<Odd>())) {}
  Tensor forward(const Tensor& x) override { return (*odd_)(x); }

 private:
  std::shared_ptr<Odd> odd_;
};

}  // namespace

TEST_CASE("onnx: an op without a form is named with its layer, and no file is left") {
  const TemporaryDirectory directory;
  WithOdd model;
  const std::string message = message_of<UsageError>([&] {
    write_onnx(directory / "model.onnx", model, {.name = "odd", .input = {3, 8, 8}});
  });
  CHECK(contains(message, "'swirl'"));
  CHECK(contains(message, "'middle.odd'"));
  CHECK(!std::filesystem::exists(directory / "model.onnx"));
}

}  // namespace satsuma::exports
