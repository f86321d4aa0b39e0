#include "satsuma/train/placement.hpp"

#include "satsuma/core/error.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

std::vector<std::string> devices_by_layer(const nn::Module& model) {
  std::vector<std::string> names;
  for (const auto& layer : model.contractions()) names.emplace_back(layer->device(Pass::ff).name());
  return names;
}

}  // namespace

TEST_CASE("layers go where the last matching placement says") {
  const TinyNet model(0);
  LayerOptions options;
  configure_layers(model, options);
  CHECK(devices_by_layer(model) == std::vector<std::string>{"cpu", "cpu", "cpu"});
  options.placements = {Placement::parse("conv*=reference")};
  configure_layers(model, options);
  CHECK(devices_by_layer(model) == std::vector<std::string>{"reference", "reference", "cpu"});
  CHECK(devices_of(model).size() == 2);
  options.placements.push_back(Placement::parse("conv2=cpu"));
  options.device = "reference";
  configure_layers(model, options);
  CHECK(devices_by_layer(model) == std::vector<std::string>{"reference", "cpu", "reference"});
}

TEST_CASE("a method makes all layers sparse but the first") {
  const TinyNet model(0);
  LayerOptions options;
  options.method = "bdwp";
  options.pattern = {1, 4};
  configure_layers(model, options);
  const auto layers = model.contractions();
  CHECK_FALSE(layers[0]->plan().sparse());
  CHECK(layers[0]->plan().dense_reason() == "first convolution");
  CHECK(layers[1]->plan().sparse());
  CHECK(layers[1]->plan()[Pass::ff].weight.pattern == Pattern{1, 4});
  CHECK(layers[2]->plan().sparse());
}

TEST_CASE("unknown names are refused with the nearest") {
  const TinyNet model(0);
  const auto message = [&](const auto& change) {
    LayerOptions options;
    change(options);
    return message_of<UsageError>([&] { configure_layers(model, options); });
  };
  CHECK(contains(message([](auto& o) { o.method = "bdw"; }), "did you mean 'bdwp'"));
  CHECK(contains(message([](auto& o) { o.device = "cqu"; }), "did you mean 'cpu'"));
  CHECK(contains(message([](auto& o) { o.placements = {{"fc", "refrence"}}; }), "did you mean 'reference'"));
  CHECK(contains(message([](auto& o) { o.placements = {{"conv3", "cpu"}}; }), "matches no layer"));
  CHECK(contains(message([](auto& o) { o.placements = {{"layer4.*", "cpu"}}; }), "known: conv1, conv2, fc"));
}

TEST_CASE("placements are PATTERN=DEVICE") {
  CHECK(Placement::parse("a=b=cpu").pattern == "a=b");
  CHECK(Placement::parse("a*=sat:opencl,index=1").device == "sat:opencl,index=1");
  for (const char* const text : {"", "=", "fc", "fc=", "=cpu"})
    CHECK_THROWS_AS(Placement::parse(text), UsageError);
}

}  // namespace satsuma::train
