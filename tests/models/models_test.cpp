#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "models/registry.hpp"
#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/nn/trace.hpp"
#include "support/random_tensor.hpp"

namespace satsuma::models {

namespace {

using testing::random_tensor;

std::shared_ptr<nn::Module> make(std::string_view name, const Options& options = {}) {
  Rng rng(1);
  return find(name).create(options, rng);
}

std::int64_t parameter_count(const nn::Module& model) {
  std::int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.value.numel();
  return count;
}

void append_batch_norm(std::vector<std::string>& names, const std::string& prefix) {
  for (const char* part : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}) {
    names.push_back(prefix + "." + part);
  }
}

std::vector<std::string> state_names(const nn::Module& model) {
  std::vector<std::string> names;
  for (const auto& tensor : model.state()) names.push_back(tensor.name);
  return names;
}

/// state_dict() of torchvision's residual networks, by their rule: `blocks` of each stage, of two (basic) or
/// three (bottleneck) convolutions.
std::vector<std::string> torchvision_names(const std::vector<int>& blocks, int convolutions) {
  std::vector<std::string> names = {"conv1.weight"};
  append_batch_norm(names, "bn1");
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::string prefix = "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
      for (int index = 1; index <= convolutions; ++index) {
        names.push_back(prefix + "conv" + std::to_string(index) + ".weight");
        append_batch_norm(names, prefix + "bn" + std::to_string(index));
      }
      if ((stage > 0 || convolutions == 3) && block == 0) {
        names.push_back(prefix + "downsample.0.weight");
        append_batch_norm(names, prefix + "downsample.1");
      }
    }
  }
  names.insert(names.end(), {"fc.weight", "fc.bias"});
  return names;
}

}  // namespace

TEST_CASE("the residual networks have torchvision's names in torchvision's order") {
  const std::map<std::string, std::vector<std::string>> expected = {
      {"resnet18", torchvision_names({2, 2, 2, 2}, 2)},
      {"resnet20", torchvision_names({3, 3, 3}, 2)},
      {"resnet34", torchvision_names({3, 4, 6, 3}, 2)},
      {"resnet50", torchvision_names({3, 4, 6, 3}, 3)},
      {"resnet101", torchvision_names({3, 4, 23, 3}, 3)}};
  CHECK(expected.at("resnet18").size() == 122);
  CHECK(expected.at("resnet50").size() == 320);
  const NoStorage shapes_only;
  for (const auto& [name, names] : expected) {
    CHECK(state_names(*make(name)) == names);
  }
}

TEST_CASE("every vgg has torchvision's names in torchvision's order") {
  const std::map<std::string, std::vector<int>> runs = {{"vgg11", {1, 1, 2, 2, 2}},
                                                        {"vgg13", {2, 2, 2, 2, 2}},
                                                        {"vgg16", {2, 2, 3, 3, 3}},
                                                        {"vgg19", {2, 2, 4, 4, 4}}};
  for (const auto& [plain, layers] : runs) {
    for (const bool norm : {false, true}) {
      std::vector<std::string> features;
      int index = 0;
      for (const int run : layers) {
        for (int i = 0; i < run; ++i, index += norm ? 3 : 2) {
          const std::string conv = "features." + std::to_string(index);
          features.insert(features.end(), {conv + ".weight", conv + ".bias"});
          if (norm) append_batch_norm(features, "features." + std::to_string(index + 1));
        }
        ++index;
      }
      for (const Stem stem : {Stem::cifar, Stem::imagenet}) {
        std::vector<std::string> expected = features;
        for (const char* layer : {"classifier.0", "classifier.3", "classifier.6"}) {
          if (stem == Stem::cifar && layer != std::string("classifier.0")) continue;
          expected.insert(expected.end(), {std::string(layer) + ".weight", std::string(layer) + ".bias"});
        }
        const std::string name = norm ? plain + "_bn" : plain;
        CAPTURE(name);
        const NoStorage shapes_only;
        CHECK(state_names(*make(name, {.stem = stem, .width = 0.125})) == expected);
      }
    }
  }
}

TEST_CASE("the vision transformers have timm's names in timm's order") {
  const std::map<std::string, int> blocks = {{"vit_cifar", 6},
                                             {"vit_tiny_patch16_224", 12},
                                             {"vit_small_patch16_224", 12},
                                             {"vit_base_patch16_224", 12}};
  for (const auto& known : blocks) {
    const auto& name = known.first;
    const auto& count = known.second;
    std::vector<std::string> expected = {"cls_token", "pos_embed"};
    const auto append = [&](const std::string& layer) {
      expected.insert(expected.end(), {layer + ".weight", layer + ".bias"});
    };
    append("patch_embed.proj");
    for (int block = 0; block < count; ++block) {
      for (const char* layer : {"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"}) {
        append("blocks." + std::to_string(block) + "." + layer);
      }
    }
    append("norm");
    append("head");
    CAPTURE(name);
    const NoStorage shapes_only;
    CHECK(state_names(*make(name)) == expected);
    // What drops takes part in no file.
    CHECK(state_names(*make(name, {.drop_path = 0.1, .dropout = 0.1})) == expected);
  }
}

TEST_CASE("parameter counts") {
  struct Case {
    const char* name;
    Options options;
    std::int64_t count;
  };
  const Options imagenet = {.input = {3, 224, 224}, .classes = 1000, .stem = Stem::imagenet};
  const Case cases[] = {
      // As torchvision and timm count them.
      {"resnet34", imagenet, 21'797'672},
      {"resnet101", imagenet, 44'549'160},
      {"vgg11", imagenet, 132'863'336},
      {"vgg13", imagenet, 133'047'848},
      {"vgg16", imagenet, 138'357'544},
      {"vgg19", imagenet, 143'667'240},
      {"vgg11_bn", imagenet, 132'868'840},
      {"vgg13_bn", imagenet, 133'053'736},
      {"vgg16_bn", imagenet, 138'365'992},
      {"vgg19_bn", imagenet, 143'678'248},
      {"vit_tiny_patch16_224", imagenet, 5'717'416},
      {"vit_small_patch16_224", imagenet, 22'050'664},
      {"vit_base_patch16_224", imagenet, 86'567'656},
      {"resnet18", {}, 11'173'962},
      {"resnet18", {.input = {3, 224, 224}, .classes = 1000, .stem = Stem::imagenet}, 11'689'512},
      {"resnet18", {.input = {1, 32, 32}}, 11'173'962 - 2 * 64 * 9},
      {"resnet50", {}, 23'520'842},
      {"resnet50", {.input = {3, 224, 224}, .classes = 1000, .stem = Stem::imagenet}, 25'557'032},
      {"resnet9", {}, 6'573'120},
      {"resnet20", {}, 272'474},
      {"vgg19_bn", {}, 20'040'522},
      // The sum over layers of 8, 8, 16, 16, 4 x 32, 8 x 64 channels and 512, 512, 1000 units.
      {"vgg19_bn", {.classes = 1000, .stem = Stem::imagenet, .width = 0.125}, 2'696'848},
      {"vit_cifar", {}, 9'532'938},
      {"vit_cifar", {.input = {1, 64, 64}}, 9'532'938 - 2 * 512 * 16 + 192 * 512},
  };
  const NoStorage shapes_only;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(parameter_count(*make(c.name, c.options)) == c.count);
  }
}

TEST_CASE("width scales channels to multiples of 8") {
  struct Case {
    std::int64_t channels;
    double width;
    std::int64_t expected;
  };
  for (const Case& c : {Case{64, 1, 64}, Case{64, 0.5, 32}, Case{64, 0.3, 16}, Case{64, 0.32, 24},
                        Case{16, 0.1, 8}, Case{64, 1.5, 96}, Case{512, 0.25, 128}}) {
    CHECK(scaled(c.channels, c.width) == c.expected);
  }
  const auto model = make("resnet9", {.width = 0.25});
  CHECK(model->contractions().back()->geometry().in_channels == 128);
  // Three heads share the width of a transformer.
  CHECK(scaled(192, 0.125, 24) == 24);
  CHECK(make("vit_tiny_patch16_224", {.width = 0.3})->contractions().back()->geometry().in_channels == 48);
}

TEST_CASE("every model trains a step on images of one, three and five channels") {
  for (const Entry& entry : entries()) {
    for (const Shape& input : {Shape{3, 32, 32}, Shape{1, 32, 48}, Shape{5, 64, 64}}) {
      CAPTURE(entry.name);
      CAPTURE(to_string(input));
      const auto model = make(entry.name, {.input = input, .classes = 7, .width = 0.125});
      const Shape batch = {3, input[0], input[1], input[2]};
      const Tensor logits = (*model)(random_tensor(batch, 1, DType::f32, MemoryFormat::batch_blocked));
      CHECK(to_string(logits.shape()) == "[3, 7]");
      backward(logits, Tensor::full({3, 7}, 1));
      for (const auto& parameter : model->parameters()) {
        CAPTURE(parameter.name);
        REQUIRE(parameter.value.grad().defined());
        const std::vector<float> grad = parameter.value.grad().to_vector<float>();
        CHECK(std::all_of(grad.begin(), grad.end(), [](float value) { return std::isfinite(value); }));
      }
    }
  }
}

TEST_CASE("models with layers of their own for the imagenet stem train a step on 224x224 images") {
  for (const char* name : {"vgg19_bn", "vgg11", "vit_cifar", "vit_small_patch16_224"}) {
    CAPTURE(name);
    const Options options = {.input = {3, 224, 224}, .classes = 12, .stem = Stem::imagenet, .width = 0.125};
    const auto model = make(name, options);
    const Tensor logits = (*model)(random_tensor({2, 3, 224, 224}, 1, DType::f32));
    CHECK(to_string(logits.shape()) == "[2, 12]");
    backward(logits, Tensor::full({2, 12}, 1));
    for (const auto& parameter : model->parameters()) {
      CAPTURE(parameter.name);
      CHECK(parameter.value.grad().defined());
    }
    CHECK(model->generators().size() == (std::string(name).starts_with("vgg") ? 1 : 0));
  }
}

namespace {

/// Output [N, K, P, Q] of a convolution, or [N, K] or [N, T, K] of a linear layer, in a trace.
Shape output_of(const Trace& trace, const Contraction& layer) {
  for (const Trace::Op& op : trace.ops()) {
    if (op.layer == layer.name() && (op.kind == "conv2d" || op.kind == "linear"))
      return trace.value(op.output).tensor.shape();
  }
  return {};
}

}  // namespace

TEST_CASE("resnet18's stems") {
  const NoStorage shapes_only;
  for (const auto& [stem, size] : {std::pair{Stem::cifar, 16}, {Stem::imagenet, 4}}) {
    const auto model = make("resnet18", {.stem = stem, .width = 0.125});
    const auto layers = model->contractions();
    CHECK(layers[1]->name() == "layer1.0.conv1");
    CHECK(output_of(nn::trace(*model, {1, 3, 16, 16}), *layers[1])[2] == size);
    CHECK(parse_stem(to_string(stem)) == stem);
  }
}

TEST_CASE("the shapes of a model cost no memory, draw no numbers, and are those of a run") {
  const NoGrad no_grad;
  for (const Entry& entry : entries()) {
    CAPTURE(entry.name);
    const Options options = {.input = {3, 32, 32}, .classes = 12, .width = 0.25};
    const auto real = make(entry.name, options);
    real->train(false);
    const Tensor y = (*real)(random_tensor({2, 3, 32, 32}, 1, DType::f32));

    reset_peak_memory();
    const std::size_t before = memory_use().in_use;
    Rng rng(1);
    std::shared_ptr<nn::Module> model;
    {
      const NoStorage shapes_only;
      model = entry.create(options, rng);
    }
    CHECK(rng.position() == 0);
    const Trace trace = nn::trace(*model, {2, 3, 32, 32});
    CHECK(memory_use().peak == before);
    CHECK((trace.value(trace.output()).tensor.shape() == y.shape()));
    for (const Trace::Value& value : trace.values()) {
      CHECK_FALSE(value.tensor.has_storage());
      // What an export needs: nothing that goes in is a number out of nowhere.
      CHECK((value.source != Trace::Source::constant));
    }
    const auto expected = real->state(), state = model->state();
    REQUIRE(state.size() == expected.size());
    for (std::size_t i = 0; i < state.size(); ++i) {
      CHECK(state[i].name == expected[i].name);
      CHECK((state[i].value.shape() == expected[i].value.shape()));
    }
  }
}

TEST_CASE("resnet50 at 224 pixels is traced without memory for a tensor") {
  reset_peak_memory();
  const std::size_t before = memory_use().in_use;
  const NoStorage shapes_only;
  const auto model = make("resnet50", {.input = {3, 224, 224}, .classes = 1000, .stem = Stem::imagenet});
  CHECK(parameter_count(*model) == 25'557'032);
  const Trace trace = nn::trace(*model, {64, 3, 224, 224});
  CHECK(memory_use().peak == before);
  CHECK(to_string(output_of(trace, *model->contractions()[1])) == "[64, 64, 56, 56]");
}

TEST_CASE("BDWP prunes all but the first convolution and saves nearly half of the operations") {
  for (const Entry& entry : entries()) {
    CAPTURE(entry.name);
    const NoStorage shapes_only;
    const auto model = make(entry.name, {.input = {3, 32, 32}});
    const Trace trace = nn::trace(*model, {1, 3, 32, 32});
    std::int64_t dense = 0, sparse = 0;
    for (const auto& layer : model->contractions()) {
      CAPTURE(layer->name());
      const Shape output = output_of(trace, *layer);
      const std::int64_t height = output.rank() == 4 ? output[2] : 1;
      const std::int64_t width = output.rank() == 2 ? 1 : output.rank() == 4 ? output[3] : output[1];
      dense += 3 * layer->geometry().dense_macs(height, width);
      layer->configure({.sparsity = {.method = &find_method("bdwp"), .pattern = {2, 8}}});
      const bool first = layer == model->contractions().front();
      CHECK(layer->plan().sparse() == !first);
      CHECK(layer->plan().reads_data == first);
      CHECK(layer->plan().dense_reason() == (first ? "first convolution" : ""));
      for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
        sparse += pass_macs(layer->plan(), pass, 1, height, width);
    }
    // FF and BP shrink to a quarter, WU stays: half, less the share of the first convolution.
    const double saving = 1 - static_cast<double>(sparse) / static_cast<double>(dense);
    CHECK(saving > 0.48);
    CHECK(saving < 0.50);
  }
}

TEST_CASE(
    "what drops is off by default, draws from one generator, and leaves the weights as they are drawn") {
  for (const Entry& entry : entries()) {
    CAPTURE(entry.name);
    const bool residual = entry.name != "resnet9" && !entry.name.starts_with("vgg");
    Options options = {.input = {3, 32, 32}, .classes = 7, .width = 0.125};
    const auto plain = make(entry.name, options);
    CHECK(plain->generators().empty());
    options.dropout = 0.25;
    if (residual) options.drop_path = 0.5;
    const auto dropping = make(entry.name, options);
    CHECK(dropping->generators().size() == 1);
    const auto expected = plain->state(), state = dropping->state();
    REQUIRE(state.size() == expected.size());
    for (std::size_t i = 0; i < state.size(); ++i)
      CHECK(state[i].value.to_vector<float>() == expected[i].value.to_vector<float>());
    const Tensor x = random_tensor({4, 3, 32, 32}, 1, DType::f32, MemoryFormat::batch_blocked);
    plain->train(false);
    dropping->train(false);
    CHECK((*plain)(x).to_vector<float>() == (*dropping)(x).to_vector<float>());
    CHECK(dropping->generators()[0]->position() == 0);
    dropping->train();
    const std::vector<float> first = (*dropping)(x).to_vector<float>();
    CHECK(dropping->generators()[0]->position() > 0);
    CHECK((*dropping)(x).to_vector<float>() != first);
    dropping->generators()[0]->seek(0);
    CHECK((*dropping)(x).to_vector<float>() == first);
  }
}

TEST_CASE("stochastic depth grows linearly with depth") {
  Rng rng(1);
  const auto draws = dropout_draws(rng);
  CHECK(rng.position() == 0);
  const Options options = {.drop_path = 0.3};
  for (int i = 0; i < 12; ++i)
    CHECK(block_drop(options, i, 11, draws).probability == doctest::Approx(0.3 * i / 11));
  CHECK(block_drop({}, 3, 11, draws).draws == nullptr);
  // 8 blocks; the first never drops, the seven others draw for each image; a transformer's draw twice.
  const Tensor x = random_tensor({4, 3, 32, 32}, 1, DType::f32, MemoryFormat::batch_blocked);
  for (const auto& [name, count] : {std::pair{"resnet18", 7}, {"vit_cifar", 2 * 5}}) {
    const auto model = make(name, {.width = 0.125, .drop_path = 0.5});
    (*model)(x);
    CHECK(model->generators()[0]->position() == static_cast<std::uint64_t>(4 * count));
  }
}

TEST_CASE("unknown models, stems and impossible options are refused") {
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(message([] { find("resnet8"); }).find("did you mean 'resnet") != std::string::npos);
  CHECK(message([] { parse_stem("cifr"); }).find("'cifar'") != std::string::npos);
  CHECK(message([] { make("resnet9", {.stem = Stem::imagenet}); }).find("resnet18") != std::string::npos);
  CHECK(message([] { make("resnet20", {.stem = Stem::imagenet}); }).find("resnet18") != std::string::npos);
  CHECK(message([] { make("vgg11", {.drop_path = 0.1}); }).find("vgg11") != std::string::npos);
  CHECK(message([] { make("resnet9", {.drop_path = 0.1}); }).find("resnet9") != std::string::npos);
  CHECK(message([] {
          make("vit_base_patch16_224", {.input = {3, 40, 32}});
        }).find("vit_base_patch16_224") != std::string::npos);
  CHECK(message([] { make("resnet9", {.input = {3, 7, 32}}); }).find("8x8 or more") != std::string::npos);
  CHECK(message([] { make("vgg19_bn", {.input = {3, 32, 16}}); }).find("32x32 or more") != std::string::npos);
  CHECK(message([] { make("vit_cifar", {.input = {3, 32, 30}}); }).find("of 4") != std::string::npos);
  CHECK(message([] {
          make("vit_cifar", {.input = {3, 224, 100}, .stem = Stem::imagenet});
        }).find("of 16") != std::string::npos);
}

}  // namespace satsuma::models
