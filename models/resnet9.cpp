#include "models/resnet9.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/pool.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

namespace {

/// Scale of the logits, from the original: without a bias or a norm before it the classifier would start too
/// confident.
constexpr double kLogitScale = 0.125;

Tensor halved(const Tensor& x) {
  return ops::max_pool(x, {.kernel = {2, 2}, .stride = {2, 2}});
}

/// Largest value of each channel, [N, C].
Tensor global_max(const Tensor& x) {
  const std::array<std::int64_t, 2> whole = {x.dim(2), x.dim(3)};
  return ops::flatten(ops::max_pool(x, {.kernel = whole, .stride = whole}));
}

}  // namespace

ConvBlock::ConvBlock(std::int64_t inputs, std::int64_t outputs, Rng& rng)
    : conv_(add("conv", same_convolution(inputs, outputs, 3, 1, rng))),
      bn_(add("bn", std::make_shared<nn::BatchNorm2d>(outputs))) {}

Tensor ConvBlock::forward(const Tensor& x) {
  return bn_->relu((*conv_)(x));
}

std::shared_ptr<nn::Sequential> ResNet9::residual(const char* name, std::int64_t channels, Rng& rng) {
  auto blocks = add(name, std::make_shared<nn::Sequential>());
  for (int i = 0; i < 2; ++i) blocks->append(std::make_shared<ConvBlock>(channels, channels, rng));
  return blocks;
}

ResNet9::ResNet9(const Options& options, Rng& rng) : recompute_(options.recompute) {
  const std::shared_ptr<Rng> draws = dropout_draws(rng);
  const auto channels = [&](std::int64_t unscaled) { return scaled(unscaled, options.width); };
  const auto block = [&](std::int64_t inputs, std::int64_t outputs) {
    return std::make_shared<ConvBlock>(inputs, outputs, rng);
  };
  prep_ = add("prep", block(options.input[0], channels(64)));
  prep_->conv()->contraction()->keep_dense(kFirstConvolution);
  prep_->conv()->contraction()->read_data();
  layer1_ = add("layer1", block(channels(64), channels(128)));
  residual1_ = residual("residual1", channels(128), rng);
  layer2_ = add("layer2", block(channels(128), channels(256)));
  layer3_ = add("layer3", block(channels(256), channels(512)));
  residual3_ = residual("residual3", channels(512), rng);
  if (const double dropout = options.dropout.value_or(0); dropout > 0)
    dropout_ = add("dropout", std::make_shared<nn::Dropout>(dropout, draws));
  fc_ = add("fc", std::make_shared<nn::Linear>(channels(512), options.classes, rng, false));
}

Tensor ResNet9::forward(const Tensor& x) {
  const auto run = [&](const std::shared_ptr<nn::Module>& module, const Tensor& z) {
    return run_block(module, z, recompute_);
  };
  Tensor y = halved(run(layer1_, run(prep_, x)));
  y = ops::add(y, run(residual1_, y));
  y = halved(run(layer2_, y));
  y = halved(run(layer3_, y));
  y = global_max(ops::add(y, run(residual3_, y)));
  return ops::scale((*fc_)(dropout_ ? (*dropout_)(y) : y), kLogitScale);
}

std::shared_ptr<nn::Module> create_resnet9(const Options& options, Rng& rng) {
  if (options.stem != Stem::cifar) throw UsageError("resnet9 has the stem 'cifar' only; resnet18 has both");
  if (options.drop_path != 0) throw UsageError("resnet9 has no stochastic depth; resnet18 has");
  if (options.input[1] < 8 || options.input[2] < 8) {
    throw UsageError("resnet9 got images of " + std::to_string(options.input[1]) + "x" +
                     std::to_string(options.input[2]) + " pixels, expected 8x8 or more");
  }
  return std::make_shared<ResNet9>(options, rng);
}

}  // namespace satsuma::models
