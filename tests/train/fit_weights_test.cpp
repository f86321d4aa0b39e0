#include "satsuma/train/fit_weights.hpp"

#include "satsuma/core/error.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

/// The weights of a network as another program would save them.
Checkpoint file_of(const nn::Module& model, const std::string& prefix = "") {
  Checkpoint checkpoint;
  checkpoint.path = "other.safetensors";
  for (const nn::NamedTensor& tensor : model.state())
    checkpoint.model.emplace(prefix + tensor.name, tensor.value);
  return checkpoint;
}

std::vector<float> values_of(const nn::Module& model, std::string_view name) {
  for (const nn::NamedTensor& tensor : model.state()) {
    if (tensor.name == name) return tensor.value.to_vector<float>();
  }
  return {};
}

}  // namespace

TEST_CASE("prefixes that wrappers leave are taken off, and said; others are not") {
  const TinyNet theirs(1);
  for (const std::string prefix :
       {"module.", "model.", "state_dict.", "state_dict.module.", "model.module.model."}) {
    CAPTURE(prefix);
    TinyNet ours(2);
    Checkpoint file = file_of(theirs, prefix);
    file.model.emplace("epoch", Tensor::zeros({1}));
    file.unread.emplace(prefix + "mask", "BOOL");
    const std::vector<std::string> done = fit_weights(file, ours, false);
    REQUIRE(done.size() == 1);
    CHECK(contains(done[0], "'" + prefix + "'"));
    CHECK(restore(file, ours) == std::vector<std::string>{"epoch", "mask (BOOL)"});
    CHECK(values_of(ours, "conv2.weight") == values_of(theirs, "conv2.weight"));
  }
  TinyNet ours(2);
  Checkpoint plain = file_of(theirs), foreign = file_of(theirs, "net.");
  CHECK(fit_weights(plain, ours, false).empty());
  CHECK(fit_weights(foreign, ours, false).empty());
  CHECK(contains(message_of<FormatError>([&] { restore(foreign, ours); }), "'conv1.weight'"));
  // The weights and their average, both in one file: the plain ones are meant.
  Checkpoint both = file_of(theirs);
  for (const auto& [name, value] : file_of(TinyNet(5), "model.").model) both.model.emplace(name, value);
  CHECK(fit_weights(both, ours, false).empty());
  CHECK_FALSE(restore(both, ours).empty());
  CHECK(values_of(ours, "fc.weight") == values_of(theirs, "fc.weight"));
}

TEST_CASE(
    "a head of another number of classes needs --new-head, which keeps the weights that it was made with") {
  const TinyNet theirs(1);
  TinyNet ours(2);
  const std::vector<float> fresh = values_of(ours, "fc.weight");
  const auto with_classes = [&](std::int64_t classes) {
    Checkpoint file = file_of(theirs);
    file.model.at("fc.weight") = Tensor::zeros({classes, 8});
    file.model.at("fc.bias") = Tensor::zeros({classes});
    return file;
  };
  Checkpoint file = with_classes(1000);
  const std::string refusal = message_of<FormatError>([&] { fit_weights(file, ours, false); });
  for (const char* part : {"other.safetensors", "'fc.weight'", "[1000, 8]", "[3, 8]", "--new-head"})
    CHECK(contains(refusal, part));

  const std::vector<std::string> done = fit_weights(file, ours, true);
  REQUIRE(done.size() == 1);
  CHECK(done[0] == "'fc' is a new head of 3 classes; the file's of 1000 is not used");
  CHECK(restore(file, ours).empty());
  CHECK(values_of(ours, "fc.weight") == fresh);
  CHECK(values_of(ours, "conv1.weight") == values_of(theirs, "conv1.weight"));

  // Of the same size, too, and of none.
  Checkpoint same = file_of(theirs), none = file_of(theirs);
  none.model.erase("fc.weight");
  none.model.erase("fc.bias");
  for (Checkpoint* const one : {&same, &none}) {
    CHECK(fit_weights(*one, ours, true).size() == 1);
    restore(*one, ours);
    CHECK(values_of(ours, "fc.weight") == fresh);
  }
}

TEST_CASE("other shapes are refused with the tensor and both shapes") {
  const TinyNet theirs(1);
  TinyNet ours(2);
  Checkpoint file = file_of(theirs);
  file.model.at("conv2.weight") = Tensor::zeros({8, 4, 3, 3});
  CHECK(fit_weights(file, ours, false).empty());
  const std::string refusal = message_of<FormatError>([&] { restore(file, ours); });
  for (const char* part : {"other.safetensors", "'conv2.weight'", "[8, 4, 3, 3]", "[8, 8, 3, 3]"})
    CHECK(contains(refusal, part));
}

}  // namespace satsuma::train
