#include "models/vgg.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/linear.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

namespace {

struct Run {
  std::int64_t channels;
  int layers;
};

constexpr Run kRuns[] = {{64, 2}, {128, 2}, {256, 4}, {512, 4}, {512, 4}};
constexpr double kDropout = 0.5;
/// Stream of dropout: apart from the weights', so that it can be resumed by itself.
constexpr std::uint64_t kDropoutStream = 7;

}  // namespace

Vgg::Vgg(const Options& options, Rng& rng) : pooled_(options.stem == Stem::imagenet ? 7 : 1) {
  std::int64_t inputs = options.input[0];
  int index = 0;  // in torchvision's Sequential, which counts ReLU and pooling, too
  for (const Run& run : kRuns) {
    const std::int64_t outputs = scaled(run.channels, options.width);
    for (int i = 0; i < run.layers; ++i) {
      const Geometry geometry = {
          .in_channels = inputs, .out_channels = outputs, .kernel = {3, 3}, .padding = {1, 1}};
      const auto name = [&](int offset) { return "features." + std::to_string(index + offset); };
      layers_.push_back({add(name(0), std::make_shared<nn::Conv2d>(geometry, rng, true)),
                         add(name(1), std::make_shared<nn::BatchNorm2d>(outputs)), i + 1 == run.layers});
      inputs = outputs;
      index += 3;
    }
    ++index;
  }
  layers_.front().conv->contraction()->keep_dense(kFirstConvolution);
  layers_.front().conv->contraction()->read_data();
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
    for (; index < 6; index += 3) {
      hidden_.push_back(linear(scaled(4096, options.width)));
      hidden_.push_back(
          add("classifier." + std::to_string(index + 2), std::make_shared<nn::Dropout>(kDropout, draws)));
    }
  }
  output_ = linear(options.classes);
}

Tensor Vgg::forward(const Tensor& x) {
  Tensor y = x;
  for (const Layer& layer : layers_) {
    y = layer.bn->relu((*layer.conv)(y));
    if (layer.pool) y = ops::max_pool(y, {.kernel = {2, 2}, .stride = {2, 2}});
  }
  y = ops::flatten(ops::adaptive_average_pool(y, pooled_, pooled_));
  for (std::size_t i = 0; i < hidden_.size(); i += 2) y = (*hidden_[i + 1])(ops::relu((*hidden_[i])(y)));
  return (*output_)(y);
}

std::shared_ptr<nn::Module> create_vgg19_bn(const Options& options, Rng& rng) {
  if (options.input[1] < 32 || options.input[2] < 32) {
    throw UsageError("vgg19_bn got images of " + std::to_string(options.input[1]) + "x" +
                     std::to_string(options.input[2]) + " pixels, expected 32x32 or more");
  }
  return std::make_shared<Vgg>(options, rng);
}

}  // namespace satsuma::models
