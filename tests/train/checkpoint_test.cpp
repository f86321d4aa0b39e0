#include "satsuma/train/checkpoint.hpp"

#include <cmath>
#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/train/safetensors.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

const optim::Settings kMomentum{.momentum = 0.9};

std::vector<std::vector<double>> values_of(const nn::Module& model, const optim::Optimizer& optimizer) {
  std::vector<std::vector<double>> values;
  for (const nn::NamedTensor& tensor : model.state()) values.push_back(tensor.value.to_vector<double>());
  for (const nn::NamedTensor& tensor : optimizer.state()) values.push_back(tensor.value.to_vector<double>());
  return values;
}

CheckpointInfo sample_info() {
  CheckpointInfo info;
  info.recipe = "epochs = 3\n";
  info.input = {2, 6, 6};
  info.classes = 3;
  info.method = "bdwp";
  info.pattern = "2:8";
  info.state.step = 12;
  info.state.epoch = 2;
  info.state.batch = 2;
  info.class_names = {"caf\xc3\xa9", "b\n", "c"};
  info.state.best_accuracy = 1.0 / 3;
  info.state.running = {0.1, 3, 4, {{std::int64_t{1} << 60, 2, 3}, 7}, 1e-9};
  return info;
}

}  // namespace

TEST_CASE("a checkpoint brings back tensors, velocities, generators and state") {
  const TemporaryDirectory directory;
  TinyNet model(1);
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), model.parameters(), kMomentum);
  for (const nn::NamedTensor& tensor : optimizer.state()) Tensor(tensor.value).fill(0.25);
  model.generators().at(0)->seek(12345);
  save_checkpoint(directory / "c", model, &optimizer, sample_info());

  TinyNet other(2);
  optim::Optimizer other_optimizer(optim::find_optimizer("sgd"), other.parameters(), kMomentum);
  const Checkpoint checkpoint = load_checkpoint(directory / "c");
  restore(checkpoint, other, other_optimizer);
  CHECK(values_of(other, other_optimizer) == values_of(model, optimizer));
  CHECK(other.generators().at(0)->position() == 12345);

  REQUIRE(checkpoint.info.has_value());
  const TrainingState& state = checkpoint.info->state;
  CHECK(checkpoint.info->recipe == "epochs = 3\n");
  CHECK(checkpoint.info->input == Shape{2, 6, 6});
  CHECK(checkpoint.info->method == "bdwp");
  CHECK(checkpoint.info->pattern == "2:8");
  CHECK(checkpoint.info->class_names == sample_info().class_names);
  CHECK(state.step == 12);
  CHECK(state.epoch == 2);
  CHECK(state.batch == 2);
  CHECK(state.best_accuracy == 1.0 / 3);
  CHECK(state.running.loss_sum == 0.1);
  CHECK(state.running.seconds == 1e-9);
  CHECK(state.running.work.pass_macs == std::array<std::int64_t, 3>{std::int64_t{1} << 60, 2, 3});
}

TEST_CASE("tensors that do not fit are named and nothing is changed") {
  const TemporaryDirectory directory;
  TinyNet source(1);
  const optim::Optimizer velocities(optim::find_optimizer("sgd"), source.parameters(), kMomentum);
  save_checkpoint(directory / "good", source, &velocities, sample_info());

  struct Case {
    const char* name;
    std::function<void(SafeTensors&)> change;
    const char* expected;
  };
  const Case cases[] = {
      {"missing", [](SafeTensors& f) { f.tensors.erase("fc.bias"); }, "'fc.bias'"},
      {"extra", [](SafeTensors& f) { f.tensors["fc2.bias"] = Tensor::zeros({3}); }, "'fc2.bias'"},
      {"shape",
       [](SafeTensors& f) {
         f.tensors["fc.weight"] = Tensor::zeros({3, 9});
       },
       "'fc.weight'"},
      {"rank",
       [](SafeTensors& f) {
         f.tensors["fc.weight"] = Tensor::zeros({3, 8, 1});
       },
       "'fc.weight'"},
      {"velocity missing", [](SafeTensors& f) { f.tensors.erase("optimizer.momentum_buffer.fc.bias"); },
       "'momentum_buffer.fc.bias' is missing"},
      {"velocity extra", [](SafeTensors& f) { f.tensors["optimizer.x"] = Tensor::zeros({1}); }, "'x'"},
      {"velocity shape",
       [](SafeTensors& f) { f.tensors["optimizer.momentum_buffer.fc.bias"] = Tensor::zeros({4}); },
       "fc.bias"},
      {"another optimiser", [](SafeTensors& f) { f.metadata["optimizer"] = R"({"name":"adamw","steps":3})"; },
       "it has the state of optimizer 'adamw', expected that of 'sgd'"},
      {"generators", [](SafeTensors& f) { f.metadata["generators"] = "[]"; },
       "0 random generators, expected 1"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.name));
    SafeTensors file = read_safetensors(directory / "good");
    c.change(file);
    std::vector<nn::NamedTensor> tensors;
    for (const auto& [name, value] : file.tensors) tensors.push_back({name, value});
    write_safetensors(directory / "bad", tensors, file.metadata);

    TinyNet model(2);
    optim::Optimizer optimizer(optim::find_optimizer("sgd"), model.parameters(), kMomentum);
    const auto before = values_of(model, optimizer);
    const Checkpoint checkpoint = load_checkpoint(directory / "bad");
    const std::string message = message_of<FormatError>([&] { restore(checkpoint, model, optimizer); });
    CHECK(contains(message, (directory / "bad").string() + ": "));
    CHECK_MESSAGE(contains(message, c.expected), message);
    CHECK(values_of(model, optimizer) == before);
  }
}

TEST_CASE("a checkpoint from before there were several optimisers goes on with SGD") {
  const TemporaryDirectory directory;
  TinyNet source(1);
  optim::Optimizer optimizer(optim::find_optimizer("sgd"), source.parameters(), kMomentum);
  for (const nn::NamedTensor& tensor : optimizer.state()) Tensor(tensor.value).fill(0.25);
  CheckpointInfo info = sample_info();
  info.recipe = "lr = 0.1\ndecay = 0.0002\n";
  save_checkpoint(directory / "new", source, &optimizer, info);
  SafeTensors file = read_safetensors(directory / "new");
  file.metadata.erase("optimizer");
  std::vector<nn::NamedTensor> tensors;
  const std::string prefix = "optimizer.momentum_buffer.";
  for (const auto& [name, value] : file.tensors)
    tensors.push_back({name.starts_with(prefix) ? "optimizer." + name.substr(prefix.size()) : name, value});
  write_safetensors(directory / "old", tensors, file.metadata);

  TinyNet model(2);
  optim::Optimizer other(optim::find_optimizer("sgd"), model.parameters(), kMomentum);
  const Checkpoint checkpoint = load_checkpoint(directory / "old");
  restore(checkpoint, model, other);
  CHECK(values_of(model, other) == values_of(source, optimizer));
  CHECK(checkpoint.info->recipe == "lr = 0.1\nsr-ste = 0.0002\n");
}

TEST_CASE("weights of another program need no counters, and what is too much is told") {
  const TemporaryDirectory directory;
  const TinyNet source(1);
  std::vector<nn::NamedTensor> tensors;
  for (const nn::NamedTensor& tensor : source.state()) {
    if (tensor.name != "bn1.num_batches_tracked") tensors.push_back(tensor);
  }
  tensors.push_back({"head.\x1b[2J", Tensor::zeros({3})});
  write_safetensors(directory / "other", tensors);
  Checkpoint checkpoint = load_checkpoint(directory / "other");
  checkpoint.unread["mask"] = "BOOL";
  TinyNet model(2);
  for (const nn::NamedTensor& tensor : model.state()) {
    if (tensor.name == "bn1.num_batches_tracked") Tensor(tensor.value).fill(7);
  }
  CHECK(restore(checkpoint, model) == std::vector<std::string>{"head.\\x1b[2J", "mask (BOOL)"});
  for (const nn::NamedTensor& tensor : model.state()) {
    if (tensor.name == "bn1.num_batches_tracked") CHECK(tensor.value.item() == 0);
  }
  CHECK(model.state()[0].value.to_vector<double>() == source.state()[0].value.to_vector<double>());

  checkpoint.model.erase("fc.weight");
  CHECK(contains(message_of<FormatError>([&] { restore(checkpoint, model); }), "'fc.weight'"));
  checkpoint.unread["fc.weight"] = "I32";
  CHECK(contains(message_of<FormatError>([&] { restore(checkpoint, model); }),
                 "tensor 'fc.weight' is I32, expected one of F32,"));
}

TEST_CASE("values that are not finite are refused, in weights and in velocities") {
  const TemporaryDirectory directory;
  for (const char* const name : {"fc.weight", "bn1.running_var", "optimizer.momentum_buffer.fc.bias"}) {
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL, 1e39}) {
      CAPTURE(std::string(name));
      TinyNet model(1);
      optim::Optimizer optimizer(optim::find_optimizer("sgd"), model.parameters(), kMomentum);
      save_checkpoint(directory / "c", model, &optimizer, sample_info());
      Checkpoint checkpoint = load_checkpoint(directory / "c");
      const bool velocity = std::string_view(name).starts_with("optimizer.");
      Tensor& bad = velocity ? checkpoint.optimizer.at("momentum_buffer.fc.bias") : checkpoint.model.at(name);
      std::vector<double> values = bad.to_vector<double>();
      values.back() = value;
      bad = Tensor::from(values, bad.shape());
      const auto before = values_of(model, optimizer);
      const std::string message = message_of<FormatError>([&] { restore(checkpoint, model, optimizer); });
      CHECK(contains(message, fmt::format("{}: tensor '{}'", checkpoint.path.string(), name)));
      if (!velocity) CHECK(message_of<FormatError>([&] { restore(checkpoint, model); }) == message);
      CHECK(values_of(model, optimizer) == before);
    }
  }
}

TEST_CASE("bad metadata are refused") {
  const TemporaryDirectory directory;
  const TinyNet model(1);
  save_checkpoint(directory / "good", model, nullptr, sample_info());
  const SafeTensors good = read_safetensors(directory / "good");
  const std::pair<const char*, const char*> changes[] = {
      {"satsuma_checkpoint", "2"},
      {"state", ""},
      {"state", "{}"},
      {"state", "[]"},
      {"state", "{\"step\":-1}"},
      {"state", "{\"step\":"},
      {"model", "{}"},
      {"model", "null"},
      {"model", R"({"input":[1,2],"classes":3})"},
      {"model", R"({"input":"x","classes":3})"},
      {"model", R"({"input":[1,2,3,4,5,6,7,8,9],"classes":3})"},
      {"generators", "{}"},
      {"generators", "[-1.5, \"x\"]"},
      {"optimizer", "{}"},
      {"optimizer", R"({"name":"sgd","steps":-1})"},
  };
  for (const auto& change : changes) {
    const std::string key = change.first;
    const std::string value = change.second;
    INFO(key << ": " << value);
    std::map<std::string, std::string> metadata = good.metadata;
    metadata[key] = value;
    write_safetensors(directory / "bad", {}, metadata);
    const std::string message = message_of<FormatError>([&] { load_checkpoint(directory / "bad"); });
    CHECK(contains(message, "bad metadata"));
    CHECK_FALSE(contains(message, "\n"));
  }
  for (const char* const key : {"state", "model", "generators", "recipe"}) {
    std::map<std::string, std::string> metadata = good.metadata;
    metadata.erase(key);
    write_safetensors(directory / "bad", {}, metadata);
    CHECK_THROWS_AS(load_checkpoint(directory / "bad"), FormatError);
  }
}

TEST_CASE("a file of another program has weights and no state") {
  const TemporaryDirectory directory;
  const TinyNet source(1);
  write_safetensors(directory / "other", source.state(), {{"format", "pt"}});
  const Checkpoint checkpoint = load_checkpoint(directory / "other");
  CHECK_FALSE(checkpoint.info.has_value());
  TinyNet model(2);
  restore(checkpoint, model);
  CHECK(model.state()[0].value.to_vector<double>() == source.state()[0].value.to_vector<double>());
}

}  // namespace satsuma::train
