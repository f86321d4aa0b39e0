#include "models/vgg.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

namespace {

constexpr std::array<std::int64_t, 5> kChannels = {64, 128, 256, 512, 512};
constexpr double kDropout = 0.5;
/// Stream of dropout: apart from the weights', so that it can be resumed by itself.
constexpr std::uint64_t kDropoutStream = 7;

}  // namespace

VggStage::VggStage(int index, int layers, std::int64_t inputs, std::int64_t outputs, bool norm, Rng& rng) {
  for (int i = 0; i < layers; ++i) {
    const Geometry geometry = {
        .in_channels = inputs, .out_channels = outputs, .kernel = {3, 3}, .padding = {1, 1}};
    Layer layer;
    layer.conv = add(std::to_string(index), std::make_shared<nn::Conv2d>(geometry, rng, true));
    if (norm) layer.bn = add(std::to_string(index + 1), std::make_shared<nn::BatchNorm2d>(outputs));
    layers_.push_back(layer);
    inputs = outputs;
    index += norm ? 3 : 2;
  }
}

Tensor VggStage::forward(const Tensor& x) {
  Tensor y = x;
  for (const Layer& layer : layers_) {
    y = (*layer.conv)(y);
    y = layer.bn ? layer.bn->relu(y) : ops::relu(y);
  }
  return ops::max_pool(y, {.kernel = {2, 2}, .stride = {2, 2}});
}

Vgg::Vgg(const VggForm& form, const Options& options, Rng& rng)
    : recompute_(options.recompute), pooled_(options.stem == Stem::imagenet ? 7 : 1) {
  std::int64_t inputs = options.input[0];
  int index = 0;  // in torchvision's Sequential
  for (std::size_t i = 0; i < form.layers.size(); ++i) {
    const std::int64_t outputs = scaled(kChannels[i], options.width);
    // Stages are no modules of torchvision's: all of them have the same name, and their layers go on
    // counting.
    stages_.push_back(
        add("features", std::make_shared<VggStage>(index, form.layers[i], inputs, outputs, form.norm, rng)));
    inputs = outputs;
    index += form.layers[i] * (form.norm ? 3 : 2) + 1;
  }
  const auto& contraction = stages_.front()->first()->contraction();
  contraction->keep_dense(kFirstConvolution);
  contraction->read_data();
  add_classifier(inputs * pooled_ * pooled_, options, rng);
}

void Vgg::add_classifier(std::int64_t inputs, const Options& options, Rng& rng) {
  int index = 0;
  const auto linear = [&](std::int64_t outputs) {
    auto layer =
        add("classifier." + std::to_string(index), std::make_shared<nn::Linear>(inputs, outputs, rng));
    inputs = outputs;
    return layer;
  };
  if (options.stem == Stem::imagenet) {
    const auto draws = std::make_shared<Rng>(rng.next(), kDropoutStream);
    const double dropout = options.dropout.value_or(kDropout);
    for (; index < 6; index += 3) {
      hidden_.push_back(linear(scaled(4096, options.width)));
      hidden_.push_back(
          add("classifier." + std::to_string(index + 2), std::make_shared<nn::Dropout>(dropout, draws)));
    }
  } else if (const double dropout = options.dropout.value_or(0); dropout > 0) {
    dropout_ = add("dropout", std::make_shared<nn::Dropout>(dropout, dropout_draws(rng)));
  }
  output_ = linear(options.classes);
}

Tensor Vgg::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& stage : stages_) y = run_block(stage, y, recompute_);
  y = ops::flatten(ops::adaptive_average_pool(y, pooled_, pooled_));
  for (std::size_t i = 0; i < hidden_.size(); i += 2) y = (*hidden_[i + 1])(ops::relu((*hidden_[i])(y)));
  return (*output_)(dropout_ ? (*dropout_)(y) : y);
}

Entry vgg(std::string_view name, const std::array<int, 5>& layers, bool norm) {
  return {name,
          norm ? "torchvision's, with batch norm and one linear layer for 32x32 or three for 224x224 images"
               : "torchvision's, with one linear layer for 32x32 or three for 224x224 images",
          [form = VggForm{name, layers, norm}](const Options& options, Rng& rng) {
            if (options.input[1] < 32 || options.input[2] < 32) {
              throw UsageError(fmt::format("{} got images of {}x{} pixels, expected 32x32 or more", form.name,
                                           options.input[1], options.input[2]));
            }
            if (options.drop_path != 0)
              throw UsageError(fmt::format("{} has no residual branches for stochastic depth", form.name));
            return std::make_shared<Vgg>(form, options, rng);
          }};
}

}  // namespace satsuma::models
